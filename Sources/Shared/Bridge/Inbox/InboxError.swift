package import BridgeClient
package import ECIES
package import Envelope
package import Failures

/// Why a message of an inbox is not passed on; the others are.
package enum InboxError: UserFacingError, Equatable {
    /// The contract has it, and it cannot be read.
    case unread(BridgeClientError)
    /// It does not open.
    case unopened(ECIESError)
    /// It is a signed message, and not to be believed.
    case refused(EnvelopeError)
    /// It is a plain message, and only signed ones are wanted.
    case unauthenticated

    private var cause: (any UserFacingError)? {
        switch self {
        case .unread(let error): error
        case .unopened(let error): error
        case .refused(let error): error
        case .unauthenticated: nil
        }
    }

    package var kind: ErrorCategory { cause?.kind ?? .negativeResult }

    package var description: String {
        cause?.description ?? "it is not signed, and only signed messages are delivered"
    }

    package var hints: [String] { cause?.hints ?? ["senders sign with ecies-seal --sign-with"] }
}
