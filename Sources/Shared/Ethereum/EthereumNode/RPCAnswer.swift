import JSON

/// One answer of a server: to which call, and what.
struct RPCAnswer {
    /// The call's number, or nil for null and for anything that is no number of ours.
    let id: UInt64?
    /// The result or the node's error, or why it is neither.
    let outcome: Outcome

    enum Outcome {
        case result(JSONValue)
        case error(RPCFailure)
        /// Against JSON-RPC 2.0; the reason is a clause.
        case malformed(String)
    }

    /// Reads a value as an answer.
    ///
    /// A member `error` that is null counts as absent, since JSON-RPC 1.0 wants it beside a result; so does a null
    /// `result` beside an error.
    init(_ value: JSONValue) {
        guard let object = value.object else {
            id = nil
            outcome = .malformed("it is no object")
            return
        }
        if case .number(let digits)? = object["id"] { id = UInt64(digits) } else { id = nil }
        outcome = Self.outcome(of: object)
    }

    private static func outcome(of object: JSONObject) -> Outcome {
        guard object["jsonrpc"]?.string == "2.0" else { return .malformed("its jsonrpc member is not \"2.0\"") }
        let result = object["result"]
        let error = object["error"].flatMap { $0.isNull ? nil : $0 }
        switch (result, error) {
        case (let result?, nil): return .result(result)
        case (nil, let error?), (.null?, let error?): return outcome(ofError: error)
        case (.some, .some): return .malformed("it has both a result and an error")
        case (nil, nil): return .malformed("it has neither a result nor an error")
        }
    }

    private static func outcome(ofError error: JSONValue) -> Outcome {
        guard let error = error.object, case .number(let digits)? = error["code"], let code = Int(digits) else {
            return .malformed("its error has no code")
        }
        return .error(RPCFailure(code: code, message: error["message"]?.string ?? "", data: error["data"]))
    }
}

/// The error member of an answer.
struct RPCFailure {
    let code: Int
    let message: String
    let data: JSONValue?
}
