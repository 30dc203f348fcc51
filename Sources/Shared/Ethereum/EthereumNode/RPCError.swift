package import Failures
package import HTTP
package import JSON

/// Why a call has no result. `endpoint` is the endpoint's display name.
package enum RPCError: UserFacingError, Equatable {
    /// No HTTP answer came.
    case transport(HTTPError)
    /// An HTTP status other than success. `reason` is the server's explanation, if there is one, and `retryAfter`
    /// the pause that it asked for.
    case status(endpoint: String, code: Int, reason: String?, retryAfter: Duration?)
    /// An answer that is no JSON.
    case notJSON(endpoint: String, NotJSON)
    /// JSON that is not an answer to the request (JSON-RPC 2.0, section 5). `reason` is a clause.
    case malformed(endpoint: String, reason: String)
    /// No answer to this call in the answers to a batch.
    case missingAnswer(endpoint: String, method: String)
    /// The node's own error: the call was understood and failed.
    ///
    /// What it means for the exit status is the caller's to say: a reverted eth_call is an answer.
    case response(code: Int, message: String, data: JSONValue?)
    /// The server takes no batches, or none of this size; the calls can be made one by one. `reason` is a clause.
    case batchRefused(endpoint: String, reason: String)

    /// What stood in place of JSON.
    package enum NotJSON: Equatable, Sendable {
        /// A web page: a gateway's, a login's, or another site's.
        case html
        /// No byte.
        case empty
        /// JSON whose end is missing.
        case truncated
        /// Anything else, with the parser's reason.
        case other(JSONError)
    }

    package var kind: ErrorCategory {
        if case .transport(let error) = self { error.kind } else { .serviceFailed }
    }

    /// Whether the same call may well succeed a little later; see `HTTPError/isTransient`.
    package var isTransient: Bool {
        switch self {
        case .transport(let error): error.isTransient
        case .status(_, let code, _, let retryAfter): retryAfter != nil || HTTPResponse.isTransient(status: code)
        case .response(let code, let message, _): Self.isRateLimit(code: code, message: message)
        // A gateway's page stands for a node that is away.
        case .notJSON, .missingAnswer: true
        case .malformed, .batchRefused: false
        }
    }

    /// The pause that the server asked for before another request.
    package var retryAfter: Duration? {
        if case .status(_, _, _, let pause) = self { pause } else { nil }
    }

    /// Whether the server may have seen the call, so that a second one may meet the effect of the first.
    package var mayHaveBeenSent: Bool {
        if case .transport(let error) = self { error.mayHaveBeenSent } else { true }
    }

    /// Whether an error is a provider's rate limit. Providers agree on no code, so their words count as well.
    static func isRateLimit(code: Int, message: String) -> Bool {
        if [429, -32005, -32007, -32012, -32016, -32055, 1008].contains(code) { return true }
        let text = message.lowercased()
        return ["rate limit", "too many requests", "request limit"].contains { text.contains($0) }
    }

    package var description: String {
        switch self {
        case .transport(let error): error.description
        case .status(let endpoint, let code, let reason, _):
            "\(endpoint): answered HTTP status \(code)" + (reason.map { ": \($0.quoted(limit: 160))" } ?? "")
        case .notJSON(let endpoint, let what): "\(endpoint): \(what)"
        case .malformed(let endpoint, let reason): "\(endpoint): not a JSON-RPC answer: \(reason)"
        case .missingAnswer(let endpoint, let method):
            "\(endpoint): the batch response has no answer to \(method.quoted())"
        case .response(let code, let message, _): "the node answered error \(code): \(message.quoted(limit: 200))"
        case .batchRefused(let endpoint, let reason): "\(endpoint): does not accept this batch: \(reason)"
        }
    }

    package var hints: [String] {
        switch self {
        case .transport(let error): error.hints
        case .status(let endpoint, let code, _, _): HTTPError.status(endpoint: endpoint, code: code).hints
        case .notJSON, .malformed: ["is this the full URL of a node's JSON-RPC endpoint?"]
        case .missingAnswer, .batchRefused, .response: []
        }
    }
}

extension RPCError.NotJSON: CustomStringConvertible {
    package var description: String {
        switch self {
        case .html: "answered HTML, not JSON"
        case .empty: "answered with an empty body, not JSON"
        case .truncated: "answered truncated JSON"
        case .other(let error): "answered something that is not JSON (\(error))"
        }
    }
}

extension HTTPResponse {
    /// The body as JSON.
    ///
    /// - Throws: `RPCError/notJSON(endpoint:_:)`.
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

    /// A server's explanation of a status: a message in JSON, or a text that is not a web page.
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
