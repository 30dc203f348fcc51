package import BridgeClient
package import ECIES
package import Envelope
package import Failures

/// Why a message of an inbox is not passed on, or why a poll ended early: the next one goes on from there.
package enum InboxError: UserFacingError, Equatable {
    /// The contract has it, and it cannot be read.
    case unread(BridgeClientError)
    /// It does not open.
    case unopened(ECIESError)
    /// It is a signed message, and not to be believed.
    case refused(EnvelopeError)
    /// It is a plain message, and only signed ones are wanted.
    case unauthenticated
    /// The nodes have taken too long.
    case timedOut(Duration)
    /// There are more messages than are read at once, and no later poll goes on.
    case tooMany(UInt64, limit: UInt64)

    private var cause: (any UserFacingError)? {
        switch self {
        case .unread(let error): error
        case .unopened(let error): error
        case .refused(let error): error
        case .unauthenticated, .timedOut, .tooMany: nil
        }
    }

    package var kind: ErrorCategory {
        switch self {
        case .timedOut: .serviceFailed
        case .tooMany: .badInput
        default: cause?.kind ?? .negativeResult
        }
    }

    package var description: String {
        switch self {
        case .timedOut(let limit):
            "the inbox could not be read to its end within \(limit.components.seconds) seconds"
        case .tooMany(let count, let limit):
            "there are \(count) messages, more than the \(limit) that one run reads"
        default: cause?.description ?? "it is not signed, and only signed messages are delivered"
        }
    }

    package var hints: [String] {
        switch self {
        case .timedOut: ["use another node; with --state, the next run continues where this one stopped"]
        case .tooMany: ["raise --max-messages, or use --state: the next run then continues where this one stopped"]
        default: cause?.hints ?? ["senders sign with ecies-seal --sign-with"]
        }
    }
}
