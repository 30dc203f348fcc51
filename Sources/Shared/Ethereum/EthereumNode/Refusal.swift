import Failures
import HTTP
import JSON

extension HTTPResponse {
    /// The body as JSON.
    ///
    /// - Throws: ``RPCError/notJSON(endpoint:_:)``.
    func json(from endpoint: Endpoint) throws(RPCError) -> JSONValue {
        func notJSON(_ what: RPCError.NotJSON) -> RPCError { .notJSON(endpoint: endpoint.displayName, what) }
        let first = body.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        guard let first else { throw notJSON(.empty) }
        guard first != UInt8(ascii: "<") else { throw notJSON(.html) }
        do {
            return try JSONParser.parse(body)
        } catch .truncated {
            throw notJSON(.truncated)
        } catch {
            throw notJSON(.other(error))
        }
    }

    /// The node's error in an answer that is one, or nil.
    fileprivate func nodeError(from endpoint: Endpoint) -> RPCFailure? {
        guard let value = try? json(from: endpoint), case .error(let error) = RPCAnswer(value).outcome else {
            return nil
        }
        return error
    }

    /// What a server says beside a status: a message in JSON, or a text that is no web page.
    fileprivate func explanation(from endpoint: Endpoint) -> String? {
        do throws(RPCError) {
            let object = try json(from: endpoint).object
            let error = object?["error"]
            return error?.object?["message"]?.string ?? error?.string ?? object?["message"]?.string
        } catch .notJSON(_, .other) {
            let text = String(decoding: body.prefix(400), as: UTF8.self)
            return text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        } catch {
            return nil
        }
    }
}

extension RPCClient {
    /// The node's error as it is thrown; nodes quote the URL that they were asked, with its key.
    func failure(of error: RPCFailure) -> RPCError {
        .response(code: error.code, message: endpoint.redacting(error.message), data: error.data)
    }

    /// What a status that is no success means for a call.
    ///
    /// Many nodes send their errors with one, so an error in the body comes first, but for a rate limit: there the
    /// status and its Retry-After say more.
    func failure(of response: HTTPResponse) -> RPCError {
        if response.status != 429, response.retryAfter == nil, let error = response.nodeError(from: endpoint) {
            return failure(of: error)
        }
        let failure = response.failure(from: endpoint)
        if case .wantsHTTPS = failure { return .transport(failure) }
        let reason = response.explanation(from: endpoint).map { endpoint.redacting($0) }
        return .status(
            endpoint: endpoint.displayName, code: response.status, reason: reason, retryAfter: response.retryAfter)
    }

    /// What a status that is no success means for a batch: a refusal, unless single calls would meet it as well.
    func batchFailure(of response: HTTPResponse) -> RPCError {
        let isRefusal = 400..<500 ~= response.status && ![401, 407, 408, 425, 429].contains(response.status)
        guard isRefusal, response.retryAfter == nil else { return failure(of: response) }
        return refusal("it answered HTTP status \(response.status)", response.explanation(from: endpoint))
    }

    /// What one error for a whole batch means.
    func batchFailure(of error: RPCFailure) -> RPCError {
        guard !RPCError.isRateLimit(code: error.code, message: error.message) else { return failure(of: error) }
        return refusal("it answered error \(error.code)", error.message)
    }

    private func refusal(_ what: String, _ explanation: String?) -> RPCError {
        let reason = what + (explanation.map { ": \(endpoint.redacting($0).quoted(limit: 160))" } ?? "")
        return .batchRefused(endpoint: endpoint.displayName, reason: reason)
    }
}
