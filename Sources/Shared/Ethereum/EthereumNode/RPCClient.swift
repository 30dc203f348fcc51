import Failures
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
    /// When whoever asks stops waiting: no request takes longer, but for three tenths of a second at least.
    var deadline: ContinuousClock.Instant?

    private let http: HTTPClient
    private var lastID: UInt64 = 0
    /// The most calls that the server takes in one request, as far as its refusals have shown.
    private var mostCalls = Int.max

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
    ///   then gets a connection of its own. See `HTTPRequest/reusesConnection`.
    /// - Throws: ``RPCError``, the node's own error as ``RPCError/response(code:message:data:status:)``.
    package func call(
        _ method: String, _ parameters: [JSONValue] = [], once: Bool = false
    ) throws(RPCError) -> JSONValue {
        let id = nextID()
        return try result(in: send(RPCCall(method, parameters).json(id: id), methods: [method], once: once), to: id)
    }

    /// Waits before a call is made again; see `HTTPClient/rest(for:after:)`.
    func rest(for pause: Duration, after failure: RPCError) { http.rest(for: pause, after: failure.description) }

    /// The result in the answer to the call of this number.
    ///
    /// - Throws: ``RPCError`` if the response is an HTTP error, malformed or an error of the node.
    func result(in response: HTTPResponse, to id: UInt64) throws(RPCError) -> JSONValue {
        guard response.isSuccess else { throw failure(of: response) }
        let answer = RPCAnswer(try response.answer(from: endpoint))
        if case .sentence(let text) = answer.outcome { throw refusal(text, in: response) }
        // A server that could not read the request answers with an error and the id null.
        if answer.id == nil, case .error = answer.outcome { return try value(of: answer).get() }
        guard answer.id == id else { throw malformed("its id does not match the request's") }
        return try value(of: answer).get()
    }

    /// Asks the calls that have no result yet, in as few requests as the server takes.
    ///
    /// What a server refuses because of its size is asked again in smaller batches, which it gets from then on. What it
    /// answers in part is asked again for the rest alone, at once while that brings more.
    ///
    /// - Parameters:
    ///   - results: for each call its result, or nil where it is to be asked. An error that may pass is not put there.
    ///   - calls: the calls.
    /// - Throws: ``RPCError`` if calls without a result are left; the same calls may be asked again.
    package func complete(
        _ results: inout [Result<JSONValue, RPCError>?], of calls: [RPCCall]
    ) throws(RPCError) {
        while true {
            let open = zip(calls.indices, results).filter { $0.1 == nil }.map(\.0)
            guard !open.isEmpty else { return }
            let part = open.prefix(mostCalls)
            let answers: [Result<JSONValue, RPCError>]
            do throws(RPCError) { answers = try batch(part.map { calls[$0] }) } catch {
                guard case .batchRefused(_, _, let mostCalls) = error else { throw error }
                self.mostCalls = mostCalls
                continue
            }
            var (failure, isAnswered) = (RPCError?.none, [Bool]())
            for (index, answer) in zip(part, answers) {
                if case .failure(let error) = answer, error.leavesOpen(after: results) {
                    failure = failure ?? error
                    isAnswered.append(false)
                } else {
                    results[index] = answer
                    isAnswered.append(true)
                }
            }
            guard let failure else { continue }
            let count = isAnswered.count { $0 }
            guard count > 0 else { throw failure }
            // A server that answers no more than the first ones takes no more at once.
            if failure.isRateLimit, !isAnswered.dropFirst(count).contains(true) { mostCalls = count }
        }
    }

    /// The results of several calls, in their order, from one HTTP request.
    ///
    /// - Returns: for each call its result, the node's error, or what is wrong with this one answer.
    /// - Throws: ``RPCError`` if no call has an answer to go by; ``RPCError/batchRefused(endpoint:reason:mostCalls:)``
    ///   if the server wants fewer calls in a request.
    package func batch(_ calls: [RPCCall]) throws(RPCError) -> [Result<JSONValue, RPCError>] {
        guard calls.count > 1 else { return try calls.map(single) }
        let ids = calls.map { _ in nextID() }
        let request = JSONValue.array(zip(calls, ids).map { $0.json(id: $1) })
        return try results(in: send(request, methods: calls.map(\.method), once: false), to: calls, ids)
    }

    /// The result of one call, or the node's error.
    ///
    /// - Throws: ``RPCError`` for what other calls would meet as well.
    private func single(_ call: RPCCall) throws(RPCError) -> Result<JSONValue, RPCError> {
        do throws(RPCError) { return .success(try self.call(call.method, call.parameters)) } catch {
            switch error {
            case .response where !error.isTransient: return .failure(error)
            case .status where error.isMethodUnavailable: return .failure(error)
            default: throw error
            }
        }
    }

    /// The results in the answer to a batch of calls of these numbers.
    ///
    /// - Throws: ``RPCError`` if the whole batch failed.
    func results(
        in response: HTTPResponse, to calls: [RPCCall], _ ids: [UInt64]
    ) throws(RPCError) -> [Result<JSONValue, RPCError>] {
        let value = Result { () throws(RPCError) in try response.answer(from: endpoint) }
        let answers = (try? value.get())?.array?.map(RPCAnswer.init)
        guard response.isSuccess || answers?.areUsable == true else {
            throw batchFailure(of: response, callCount: calls.count)
        }
        guard let answers else {
            switch RPCAnswer(try value.get()).outcome {
            case .error(let error): throw batchFailure(of: error, callCount: calls.count)
            case .sentence(let text): throw refusal(text, in: response)
            default: throw malformed("it answers a batch, but is not an array")
            }
        }
        if let error = answers.errorOfAll(callCount: calls.count) {
            throw batchFailure(of: error, callCount: calls.count)
        }
        return try matched(answers, to: calls, ids)
    }

    private func nextID() -> UInt64 {
        lastID += 1
        return lastID
    }

    private func send(_ body: JSONValue, methods: [String], once: Bool) throws(RPCError) -> HTTPResponse {
        var limits = limits
        if let deadline { limits.deadline = min(limits.deadline, max(deadline - .now, .milliseconds(300))) }
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
        case .sentence(let text): .failure(malformed("its error is \(endpoint.redacting(text).quoted(limit: 160))"))
        case .malformed(let reason): .failure(malformed(reason))
        }
    }

    /// Gives each call its answer, in whatever order they came.
    private func matched(
        _ answers: [RPCAnswer], to calls: [RPCCall], _ ids: [UInt64]
    ) throws(RPCError) -> [Result<JSONValue, RPCError>] {
        let indices = Dictionary(zip(ids, calls.indices)) { first, _ in first }
        var results: [Result<JSONValue, RPCError>?] = calls.map { _ in nil }
        // An error of no call is that of all which have no answer.
        var failure: RPCError?
        for answer in answers {
            if answer.id == nil, case .error(let error) = answer.outcome {
                failure = self.failure(of: error)
                continue
            }
            guard let id = answer.id, let index = indices[id] else {
                throw malformed("it answers a call that was not made")
            }
            guard results[index] == nil else { throw malformed("it answers a call twice") }
            results[index] = value(of: answer)
        }
        return zip(calls, results).map { call, result in
            result ?? .failure(failure ?? .missingAnswer(endpoint: endpoint.displayName, method: call.method))
        }
    }
}

extension RPCError {
    /// Whether the call may be asked again: it met a rate limit or an outage; or an HTTP status that is not known to be
    /// about this call alone, since no other was answered.
    fileprivate func leavesOpen(after results: [Result<JSONValue, RPCError>?]) -> Bool {
        switch self {
        case .response: isTransient
        case .status: !results.contains { if case .success? = $0 { true } else { false } }
        default: false
        }
    }
}
