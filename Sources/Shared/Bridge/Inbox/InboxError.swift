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

    private var cause: (any Failure)? {
        switch self {
        case .unread(let error): error
        case .unopened(let error): error
        case .refused(let error): error
        case .unauthenticated: nil
        }
    }

    package var kind: FailureKind { cause?.kind ?? .answerIsNo }

    package var description: String {
        cause?.description ?? "it is not signed, and only authenticated messages are passed on"
    }

    package var hints: [String] { cause?.hints ?? ["the sender signs with ecies-seal --sign-with"] }
}
