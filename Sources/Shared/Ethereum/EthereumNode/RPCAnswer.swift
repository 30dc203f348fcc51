import Failures
import HTTP
import JSON

/// One answer of a server: to which call, and what.
struct RPCAnswer {
    /// The call's number, or nil for null and for anything that is no number of ours.
    let id: UInt64?
    /// The result or the node's error, or why it is neither.
    let outcome: Outcome

    /// What an answer holds.
    enum Outcome {
        case result(JSONValue)
        case error(RPCFailure)
        /// An error that is a sentence alone, as gateways in front of a node write it.
        case sentence(String)
        /// Against JSON-RPC 2.0; the reason is a clause.
        case malformed(String)
    }

    /// Reads a value as an answer.
    ///
    /// A member `error` that is null counts as absent, since JSON-RPC 1.0 wants it next to a result; so does a null
    /// `result` next to an error.
    init(_ value: JSONValue) {
        guard let object = value.object else {
            id = nil
            outcome = .malformed("it is not an object")
            return
        }
        id =
            switch object["id"] {
            case .number(let digits)?, .string(let digits)?: UInt64(digits)
            default: nil
            }
        outcome = Self.outcome(of: object)
    }

    private static func outcome(of object: JSONObject) -> Outcome {
        let result = object["result"]
        let error = object["error"].flatMap { $0.isNull ? nil : $0 }
        // JSON-RPC 1.0 has no such member.
        guard object["jsonrpc"].map({ $0.string == "2.0" }) ?? (result != nil || error != nil) else {
            return .malformed("its jsonrpc member is not \"2.0\"")
        }
        switch (result, error) {
        case (let result?, nil): return .result(result)
        case (nil, let error?), (.null?, let error?): return outcome(ofError: error)
        case (.some, .some): return .malformed("it has both a result and an error")
        case (nil, nil): return .malformed("it has neither a result nor an error")
        }
    }

    private static func outcome(ofError error: JSONValue) -> Outcome {
        if let text = error.string { return .sentence(text) }
        guard let error = error.object, case .number(let digits)? = error["code"], let code = Int(digits) else {
            return .malformed("its error has no code")
        }
        return .error(RPCFailure(code: code, message: error["message"]?.string ?? "", data: error["data"]))
    }
}

extension [RPCAnswer] {
    /// Whether they say more than the HTTP status of an error that they came with.
    var areUsable: Bool {
        contains { answer in
            switch answer.outcome {
            case .result: true
            case .error(let error): error.speaksOfBatches
            default: false
            }
        }
    }

    /// The error of a batch that failed as a whole: all its answers are the same error, or they are errors of no call.
    func errorOfAll(callCount: Int) -> RPCFailure? {
        var errors: [RPCFailure] = []
        for answer in self {
            guard case .error(let error) = answer.outcome else { return nil }
            errors.append(error)
        }
        guard let first = errors.first else { return nil }
        // geth refuses a batch that is too large with an array of one error.
        let isOne = count == 1 && callCount > 1
        let isWhole =
            allSatisfy { $0.id == nil } || errors.allSatisfy { $0.speaksOfBatches && $0.message == first.message }
        return isOne || isWhole ? first : nil
    }
}

/// The error member of an answer.
struct RPCFailure {
    let code: Int
    let message: String
    let data: JSONValue?

    /// Whether it is about the batch, and not about a call in it.
    var speaksOfBatches: Bool { message.lowercased().contains("batch") }
}

extension HTTPResponse {
    /// The body as JSON.
    ///
    /// - Throws: `RPCError/notJSON(endpoint:_:)`.
    func answer(from endpoint: Endpoint) throws(RPCError) -> JSONValue {
        do throws(NotJSON) { return try json(from: endpoint) } catch {
            throw .notJSON(endpoint: endpoint.displayName, error)
        }
    }

    /// The node's error in an answer that is one, or nil.
    fileprivate func nodeError(from endpoint: Endpoint) -> RPCFailure? {
        guard let value = try? json(from: endpoint), case .error(let error) = RPCAnswer(value).outcome else {
            return nil
        }
        return error
    }
}

extension RPCClient {
    /// The node's error as it is thrown; nodes quote the URL that they were asked, with its key.
    func failure(of error: RPCFailure, status: Int = 200) -> RPCError {
        .response(
            code: error.code, message: endpoint.redacting(error.message), data: error.data, status: status)
    }

    /// What a status that is no success means for a call.
    ///
    /// Many nodes send their errors with one, so an error in the body comes first, but for a rate limit: there the
    /// status and its Retry-After say more.
    func failure(of response: HTTPResponse) -> RPCError {
        if response.status != 429, response.retryAfter == nil, let error = response.nodeError(from: endpoint) {
            return failure(of: error, status: response.status)
        }
        let failure = response.failure(from: endpoint)
        guard case .status(let name, let code, let reason) = failure else { return .transport(failure) }
        return .status(endpoint: name, code: code, reason: reason, retryAfter: response.retryAfter)
    }

    /// An error that is a sentence alone, as the gateway's refusal that it is.
    func refusal(_ sentence: String, in response: HTTPResponse) -> RPCError {
        .status(
            endpoint: endpoint.displayName, code: response.status,
            reason: endpoint.redacting(sentence.firstLine ?? ""), retryAfter: response.retryAfter)
    }

    /// What a status that is no success means for a batch: a refusal, unless single calls would meet it as well.
    func batchFailure(of response: HTTPResponse, callCount: Int) -> RPCError {
        let isRefusal = 400..<500 ~= response.status && ![401, 407, 408, 425, 429].contains(response.status)
        let explanation = response.explanation(from: endpoint)
        let speaksOfBatches = explanation?.lowercased().contains("batch") == true
        guard isRefusal || speaksOfBatches, response.retryAfter == nil else { return failure(of: response) }
        return refusal(
            "it answered HTTP status \(response.status)", explanation,
            of: callCount, isOfSize: response.status == 413)
    }

    /// What one error for a whole batch means.
    func batchFailure(of error: RPCFailure, callCount: Int) -> RPCError {
        let failure = failure(of: error)
        guard error.speaksOfBatches || !failure.isTransient else { return failure }
        return refusal("it answered error \(error.code)", error.message, of: callCount)
    }

    private func refusal(
        _ what: String, _ explanation: String?, of callCount: Int, isOfSize: Bool = false
    ) -> RPCError {
        let reason = what + (explanation.map { ": \(endpoint.redacting($0).quoted(limit: 160))" } ?? "")
        let text = explanation?.lowercased() ?? ""
        let isOfSize = isOfSize || Self.sizeWords.contains { text.contains($0) }
        // Most say how many they take. Where they do not, half as many are tried next.
        let named = text.split { !$0.isASCII || !$0.isNumber }.compactMap { Int($0) }.filter { 1..<callCount ~= $0 }
            .max()
        let mostCalls = isOfSize ? named ?? max(callCount / 2, 1) : 1
        return .batchRefused(endpoint: endpoint.displayName, reason: reason, mostCalls: mostCalls)
    }

    /// Of a batch that would be taken if it were smaller.
    private static let sizeWords = ["large", "more than", "too many", "exceed", "limit", "size", "max", "big"]
}
