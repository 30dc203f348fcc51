package import BridgeClient
package import ECIES
package import Envelope
package import Failures

/// Why a message of an inbox is not passed on; the others are.
package enum InboxError: Failure, Equatable {
    /// The contract has it, and it cannot be read.
    case unread(BridgeClientError)
    /// It does not open.
    case unopened(ECIESError)
    /// It is a signed message, and not to be believed.
    case refused(EnvelopeError)
    /// It is a plain message, and only signed ones are wanted.
    case unauthenticated

    package var kind: FailureKind {
        switch self {
        case .unread(let error): error.kind
        case .unopened(let error): error.kind
        case .refused(let error): error.kind
        case .unauthenticated: .answerIsNo
        }
    }

    package var description: String {
        switch self {
        case .unread(let error): error.description
        case .unopened(let error): error.description
        case .refused(let error): error.description
        case .unauthenticated: "it is not signed, and only authenticated messages are passed on"
        }
    }

    package var hints: [String] {
        switch self {
        case .unread(let error): error.hints
        case .unopened(let error): error.hints
        case .refused(let error): error.hints
        case .unauthenticated: ["the sender signs with ecies-seal --sign-with"]
        }
    }
}
