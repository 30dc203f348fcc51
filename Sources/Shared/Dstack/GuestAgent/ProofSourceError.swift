package import Dstack
package import Failures
package import HTTP
package import JSON

/// Why no proof came from a source. `source` names it without the path of its URL.
package enum ProofSourceError: UserFacingError, Equatable {
    /// The text names no source.
    case notASource(reason: String)
    /// No usable HTTP answer.
    case http(HTTPError, retryAfter: Duration?)
    /// The answer is a web page: a gateway's, most likely.
    case html(source: String)
    /// The answer is no JSON object.
    case notJSON(source: String, JSONError)
    /// The guest agent gave no key.
    case agent(GuestAgentError)
    /// The document or the chain does not hold.
    case invalid(source: String, ProofError)
    /// The guest agent's key or signatures are none.
    case malformedKey(source: String, reason: String)

    package var kind: ErrorCategory {
        switch self {
        case .notASource: .badInput
        case .http(let error, _): error.kind
        case .html, .notJSON, .malformedKey: .serviceFailed
        case .agent(let error): error.kind
        case .invalid: .negativeResult
        }
    }

    package var description: String {
        switch self {
        case .notASource(let reason): "not a source of proofs: \(reason)"
        case .http(let error, _): error.description
        case .html(let source): "\(source) answered with a web page, not with a proof"
        case .notJSON(let source, let error): "\(source) did not answer with a JSON object: \(error)"
        case .agent(let error): error.description
        case .invalid(let source, let error): "the proof from \(source) is invalid: \(error)"
        case .malformedKey(let source, let reason): "\(source) returned an unusable key: \(reason)"
        }
    }

    package var hints: [String] {
        switch self {
        case .notASource: ["sources are http://HOST:PORT, https://HOST and dstack:SOCKET"]
        case .http(let error, _): error.hints
        case .agent(let error): error.hints
        case .invalid(_, let error): error.hints
        case .html, .notJSON: ["is this the URL of a running bridge-agent, which serves /proof?"]
        case .malformedKey: ["is this the address of a dstack guest agent, of 0.4.2 or later?"]
        }
    }

    /// Whether asking again a little later may well help.
    var isTransient: Bool {
        switch self {
        case .http(let error, _): error.isTransient
        case .agent(let error): error.isTransient
        default: false
        }
    }

    /// The pause that the server requested.
    var retryAfter: Duration { if case .http(_, let pause?) = self { pause } else { .zero } }
}
