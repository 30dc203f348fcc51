package import Failures
package import HTTP
package import JSON

/// Why a call has no result. `endpoint` is the endpoint's display name.
package enum RPCError: Failure, Equatable {
    /// No HTTP answer came.
    case transport(HTTPError)
    /// An HTTP status that is no success. `reason` is what the server said beside it, if anything, and `retryAfter`
    /// the pause that it asked for.
    case status(endpoint: String, code: Int, reason: String?, retryAfter: Duration?)
    /// An answer that is no JSON.
    case notJSON(endpoint: String, NotJSON)
    /// JSON that is no answer to what was asked (JSON-RPC 2.0, section 5). `reason` is a clause.
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
        /// Something else, with the parser's reason.
        case other(JSONError)
    }

    package var kind: FailureKind {
        if case .transport(let error) = self { error.kind } else { .serviceFailed }
    }

    /// Whether the same call may well succeed a little later; see ``HTTPError/isTransient``.
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
            "\(endpoint): the batch's answer leaves out \(method.quoted())"
        case .response(let code, let message, _): "the node answered error \(code): \(message.quoted(limit: 200))"
        case .batchRefused(let endpoint, let reason): "\(endpoint): takes no such batch: \(reason)"
        }
    }

    package var hints: [String] {
        switch self {
        case .transport(let error): error.hints
        case .status(let endpoint, let code, _, _): HTTPError.status(endpoint: endpoint, code: code).hints
        case .notJSON, .malformed: ["is this the URL of a node's JSON-RPC, with its whole path?"]
        case .missingAnswer, .batchRefused, .response: []
        }
    }
}

extension RPCError.NotJSON: CustomStringConvertible {
    package var description: String {
        switch self {
        case .html: "answered HTML, not JSON"
        case .empty: "answered with an empty body, not JSON"
        case .truncated: "answered JSON that is cut short"
        case .other(let error): "answered something that is not JSON (\(error))"
        }
    }
}
