package import HTTP
package import JSON

/// A call of one method.
package struct RPCCall: Sendable, Equatable {
    /// The method, such as `eth_chainId`.
    package let method: String
    /// Its parameters, in order.
    package let parameters: [JSONValue]

    package init(_ method: String, _ parameters: [JSONValue] = []) {
        self.method = method
        self.parameters = parameters
    }

    /// The call as a JSON-RPC request.
    ///
    /// - Parameter id: the number that the answer repeats.
    func json(id: UInt64) -> JSONValue {
        .members([
            "jsonrpc": .string("2.0"), "id": .number(id), "method": .string(method), "params": .array(parameters),
        ])
    }
}

/// A client of one JSON-RPC 2.0 server over HTTP.
///
/// It sends each request once: what to do about an error is the caller's to say; see ``RPCError/isTransient``.
package final class RPCClient {
    /// Who is asked.
    package let endpoint: Endpoint
    /// How much and how long, for each request.
    package let limits: HTTPLimits
    /// How long a request may take, if that is less than ``limits`` say.
    package var timeLimit: Duration?

    private let http: HTTPClient
    private var lastID: UInt64 = 0
    /// The smallest batch that the server refused, and how: larger ones are not tried again.
    private var refused: (count: Int, error: RPCError)?

    /// A client for one endpoint.
    package init(
        _ endpoint: Endpoint, over http: HTTPClient = HTTPClient(), limits: HTTPLimits = HTTPLimits()
    ) {
        self.endpoint = endpoint
        self.http = http
        self.limits = limits
    }

    /// The result of one call.
    ///
    /// - Parameter once: whether the call may reach the server once at most, as one that sends something should; it
    ///   then gets a connection of its own. See ``HTTPRequest/reusesConnection``.
    /// - Throws: ``RPCError``, the node's own error as ``RPCError/response(code:message:data:)``.
    package func call(
        _ method: String, _ parameters: [JSONValue] = [], once: Bool = false
    ) throws(RPCError) -> JSONValue {
        let id = nextID()
        return try result(in: send(RPCCall(method, parameters).json(id: id), methods: [method], once: once), to: id)
    }

    /// The result in the answer to the call of this number.
    ///
    /// - Throws: ``RPCError`` if the response is an HTTP error, malformed or an error of the node.
    func result(in response: HTTPResponse, to id: UInt64) throws(RPCError) -> JSONValue {
        guard response.isSuccess else { throw failure(of: response) }
        let answer = RPCAnswer(try response.json(from: endpoint))
        // A server that could not read the request answers with an error and the id null.
        if answer.id == nil, case .error = answer.outcome { return try value(of: answer).get() }
        guard answer.id == id else { throw malformed("its id does not match the request's") }
        return try value(of: answer).get()
    }

    /// The results of several calls, in their order, from one HTTP request.
    ///
    /// - Parameter once: as for ``call(_:_:once:)``.
    /// - Returns: for each call its result, the node's error, or what is wrong with this one answer.
    /// - Throws: ``RPCError`` if no call has an answer to go by; ``RPCError/batchRefused(endpoint:reason:)`` if the
    ///   server wants the calls one by one.
    package func batch(
        _ calls: [RPCCall], once: Bool = false
    ) throws(RPCError) -> [Result<JSONValue, RPCError>] {
        guard !calls.isEmpty else { return [] }
        if let refused, calls.count >= refused.count { throw refused.error }
        do throws(RPCError) { return try sendBatch(calls, once: once) } catch {
            if case .batchRefused = error { refused = (calls.count, error) }
            throw error
        }
    }

    private func sendBatch(
        _ calls: [RPCCall], once: Bool
    ) throws(RPCError) -> [Result<JSONValue, RPCError>] {
        let ids = calls.map { _ in nextID() }
        let request = JSONValue.array(zip(calls, ids).map { $0.json(id: $1) })
        return try results(in: send(request, methods: calls.map(\.method), once: once), to: calls, ids)
    }

    /// The results in the answer to a batch of calls of these numbers.
    ///
    /// - Throws: ``RPCError`` if the whole batch failed.
    func results(
        in response: HTTPResponse, to calls: [RPCCall], _ ids: [UInt64]
    ) throws(RPCError) -> [Result<JSONValue, RPCError>] {
        guard response.isSuccess else { throw batchFailure(of: response) }
        let value = try response.json(from: endpoint)
        guard let answers = value.array?.map(RPCAnswer.init) else {
            guard case .error(let error) = RPCAnswer(value).outcome else {
                throw malformed("it answers a batch, but is not an array")
            }
            throw batchFailure(of: error)
        }
        // geth refuses a batch that is too large with an array of one error.
        if calls.count > 1, answers.count == 1, case .error(let error)? = answers.first?.outcome {
            throw batchFailure(of: error)
        }
        return try matched(answers, to: calls, ids)
    }

    private func nextID() -> UInt64 {
        lastID += 1
        return lastID
    }

    private func send(_ body: JSONValue, methods: [String], once: Bool) throws(RPCError) -> HTTPResponse {
        var limits = limits
        if let timeLimit { limits.deadline = min(limits.deadline, timeLimit) }
        let request = HTTPRequest(
            endpoint, .post(Array(body.compact.utf8)), subject: Self.counted(methods),
            headers: [("Content-Type", "application/json"), ("Accept", "application/json")], limits: limits,
            reusesConnection: !once)
        do { return try http.perform(request) } catch { throw .transport(error) }
    }

    /// Each name once, and how often it occurs: `eth_call ×3, eth_chainId`.
    private static func counted(_ names: [String]) -> String {
        var counts: [(name: String, count: Int)] = []
        for name in names {
            if let index = counts.firstIndex(where: { $0.name == name }) {
                counts[index].count += 1
            } else {
                counts.append((name, 1))
            }
        }
        return counts.map { $0.count == 1 ? $0.name : "\($0.name) ×\($0.count)" }.joined(separator: ", ")
    }

    private func malformed(_ reason: String) -> RPCError {
        .malformed(endpoint: endpoint.displayName, reason: reason)
    }

    private func value(of answer: RPCAnswer) -> Result<JSONValue, RPCError> {
        switch answer.outcome {
        case .result(let value): .success(value)
        case .error(let error): .failure(failure(of: error))
        case .malformed(let reason): .failure(malformed(reason))
        }
    }

    /// Gives each call its answer, in whatever order they came.
    private func matched(
        _ answers: [RPCAnswer], to calls: [RPCCall], _ ids: [UInt64]
    ) throws(RPCError) -> [Result<JSONValue, RPCError>] {
        let indices = Dictionary(zip(ids, calls.indices)) { first, _ in first }
        var results: [Result<JSONValue, RPCError>?] = calls.map { _ in nil }
        for answer in answers {
            guard let id = answer.id, let index = indices[id] else {
                throw malformed("it answers a call that was not made")
            }
            guard results[index] == nil else { throw malformed("it answers a call twice") }
            results[index] = value(of: answer)
        }
        return zip(calls, results).map { call, result in
            result ?? .failure(.missingAnswer(endpoint: endpoint.displayName, method: call.method))
        }
    }
}

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
