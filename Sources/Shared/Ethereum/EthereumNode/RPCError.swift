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
    /// What it means for the exit status is the caller's to say: a reverted eth_call is an answer. `status` is that of
    /// the HTTP response.
    case response(code: Int, message: String, data: JSONValue?, status: Int = 200)
    /// The server takes no batches, or none of this size: at most `mostCalls` should be sent next, 1 without a batch.
    /// `reason` is a clause.
    case batchRefused(endpoint: String, reason: String, mostCalls: Int)

    package var kind: ErrorCategory {
        if case .transport(let error) = self { error.kind } else { isOfFunds ? .negativeResult : .serviceFailed }
    }

    /// Whether it says that the sender cannot pay.
    package var isOfFunds: Bool {
        guard case .response(_, let message, _, _) = self, !isOfTheCall else { return false }
        let text = message.lowercased()
        return Self.fundsWords.contains { text.contains($0) }
    }

    /// Nodes' words for a sender that cannot pay.
    static let fundsWords = [
        "insufficient funds", "insufficientfunds", "insufficient balance", "not enough funds",
        "doesn't have enough funds", "exceeds account balance", "would cause overdraft",
    ]

    /// Whether the same call may well succeed a little later; see `HTTPError/isTransient`.
    package var isTransient: Bool {
        switch self {
        case .transport(let error): error.isTransient
        case .status(_, let code, _, let retryAfter): retryAfter != nil || HTTPResponse.isTransient(status: code)
        case .response: isRateLimit || isOutage
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

    /// Whether it is a provider's rate limit. Providers agree on no code, so their words count as well.
    var isRateLimit: Bool {
        guard case .response(let code, let message, _, _) = self, !isOfTheCall else { return false }
        let text = message.lowercased()
        return [429, -32005, -32007, -32012, -32016, -32055, 1008].contains(code)
            || ["rate limit", "too many requests", "request limit"].contains { text.contains($0) }
    }

    /// Whether it says that the node behind a gateway is away or busy, and nothing of the call.
    private var isOutage: Bool {
        guard case .response(let code, let message, _, let status) = self, !isOfTheCall else { return false }
        let text = message.lowercased()
        return code == -32011 || [502, 503, 504].contains(status) || text == "unavailable"
            || [
                "no backend", "backend offline", "no available", "upstream", "temporar", "overloaded", "timed out",
                "timeout", "service unavailable", "bad gateway", "at capacity", "try again later", "please retry",
            ].contains { text.contains($0) }
    }

    /// Whether the node made the call and undid it, or could not read it: its words may then be anybody's.
    private var isOfTheCall: Bool {
        guard case .response(let code, let message, _, _) = self else { return false }
        let text = message.lowercased()
        return code == 3 || code == -32602
            || ["revert", "execution aborted", "out of gas"].contains { text.contains($0) }
    }

    /// Whether it is about one method, and not about the request as a whole.
    var isOfMethod: Bool {
        switch self {
        case .response: true
        case .status: isMethodUnavailable
        default: false
        }
    }

    /// The status that a server's words stand for, whichever it sent: some say with 200 that a key is wrong.
    private static func status(said reason: String?) -> Int? {
        guard let text = reason?.lowercased() else { return nil }
        func says(_ words: String...) -> Bool { words.contains { text.contains($0) } }
        if says("quota", "rate limit", "too many requests") { return 429 }
        if says("api key", "apikey", "api-key", "project id", "unauthorized", "authenticat") { return 401 }
        return nil
    }

    /// Whether the server does not offer the method, or forbids it. Providers agree on no code.
    package var isMethodUnavailable: Bool {
        switch self {
        case .status(_, let code, _, _): return [403, 404, 405, 501].contains(code)
        case .response(let code, let message, _, _):
            let text = message.lowercased()
            return [-32601, -32600, -32604, -32053, -32001, -32002, -32004].contains(code)
                || [
                    "not found", "does not exist", "not available", "not supported", "unsupported", "not allowed",
                    "not whitelisted", "disabled",
                ].contains { text.contains($0) }
        default: return false
        }
    }

    /// The node's own error, in its words: the first line of them.
    var sentence: String {
        guard case .response(let code, let message, _, let status) = self else { return description }
        let line = message.firstLine ?? ""
        return "error \(code)" + (200..<300 ~= status ? "" : " (HTTP status \(status))")
            + ": \(line.quoted(limit: 196))"
    }

    package var description: String {
        switch self {
        case .transport(let error): error.description
        case .status(let endpoint, let code, let reason, _):
            HTTPError.status(endpoint: endpoint, code: code, reason: reason).description
        case .notJSON(let endpoint, let what): "\(endpoint): \(what)"
        case .malformed(let endpoint, let reason): "\(endpoint): not a JSON-RPC answer: \(reason)"
        case .missingAnswer(let endpoint, let method):
            "\(endpoint): the batch response has no answer to \(method.quoted())"
        case .response: "the node answered \(sentence)"
        case .batchRefused(let endpoint, let reason, _): "\(endpoint): does not accept this batch: \(reason)"
        }
    }

    package var hints: [String] {
        switch self {
        case .transport(let error): error.hints
        case .status(let endpoint, let code, let reason, _):
            HTTPError.status(endpoint: endpoint, code: Self.status(said: reason) ?? code).hints
        case .notJSON, .malformed: ["is this the full URL of a node's JSON-RPC endpoint?"]
        case .response(_, let message, _, let status):
            HTTPError.status(endpoint: "", code: Self.status(said: message) ?? status).hints
        case .missingAnswer, .batchRefused: []
        }
    }
}
