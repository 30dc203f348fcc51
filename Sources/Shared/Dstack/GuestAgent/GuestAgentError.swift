package import Failures
package import HTTP

/// Why the guest agent gave no key or no description of the app. `agent` names where it was asked.
package enum GuestAgentError: UserFacingError, Equatable {
    /// None of these paths has a socket.
    case noSocket(paths: [String])
    /// The agent's address is neither a URL nor the path of a socket. `reason` is a clause.
    case invalidAddress(reason: String)
    /// No HTTP answer came.
    case transport(HTTPError)
    /// The agent refused the request, with its own text.
    case refused(agent: String, method: String, reason: String)
    /// An HTTP status other than success, without an explanation.
    case status(agent: String, method: String, code: Int)
    /// An answer that is not what the method answers. `reason` is a clause without a byte of a secret.
    case malformed(agent: String, method: String, reason: String)
    /// The app's key comes from no KMS, so no chain of signatures leads to one.
    case notKMSIssued(agent: String)

    package var kind: ErrorCategory {
        switch self {
        case .invalidAddress: .badInput
        case .notKMSIssued: .negativeResult
        case .noSocket, .transport, .refused, .status, .malformed: .serviceFailed
        }
    }

    /// Whether the agent may well answer a little later: it starts after the container, or is being restarted.
    package var isTransient: Bool {
        switch self {
        case .noSocket: true
        case .transport(let error): error.isTransient
        case .status(_, _, let code): HTTPResponse.isTransient(status: code)
        case .invalidAddress, .refused, .malformed, .notKMSIssued: false
        }
    }

    package var description: String {
        switch self {
        case .noSocket(let paths):
            "no dstack guest agent socket at " + paths.map { $0.quoted(limit: 120) }.joined(separator: ", ")
        case .invalidAddress(let reason): "not the address of a dstack guest agent: \(reason)"
        case .transport(let error): "the dstack guest agent at \(error)"
        case .refused(let agent, let method, let reason):
            "the dstack guest agent at \(agent) answered \(method) with an error: \(Self.onOneLine(reason).quoted(limit: 300))"
        case .status(let agent, let method, let code):
            "the dstack guest agent at \(agent) answered \(method) with HTTP status \(code)"
        case .malformed(let agent, let method, let reason):
            "the dstack guest agent at \(agent) gave an invalid answer to \(method): \(reason)"
        case .notKMSIssued(let agent):
            "the dstack guest agent at \(agent) holds an app key that no KMS has signed"
        }
    }

    package var hints: [String] {
        switch self {
        case .noSocket:
            [
                "inside a CVM, mount the socket into the container: /var/run/dstack.sock:/var/run/dstack.sock",
                "elsewhere, name it with --dstack or DSTACK_SIMULATOR_ENDPOINT",
            ]
        case .transport(.connectionRefused(let endpoint)) where endpoint.hasPrefix("\""):
            [
                "the socket file exists, but nothing listens on it: the agent may have been restarted after the container "
                    + "mounted it; restart the container"
            ]
        case .transport(let error): error.hints
        case .status(_, _, 404): ["the agent is older than 0.4.2, or this is another service's address"]
        case .notKMSIssued: ["deploy the app with a KMS as its key provider"]
        case .invalidAddress: ["give the path of its socket, or an http:// URL"]
        case .refused: ["the agent's message says why; its log in the CVM may say more"]
        case .status, .malformed: ["is this the address of a dstack guest agent, of 0.4.2 or later?"]
        }
    }

    /// Agents before 0.5.6 send their errors in Debug form, on many lines.
    private static func onOneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}
