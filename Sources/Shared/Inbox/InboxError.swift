package import ECIES
package import Envelope
package import Failures

/// Why a message of an inbox is not passed on; the others are.
package enum InboxError: Failure, Equatable {
    /// It does not open.
    case unopened(ECIESError)
    /// It is a signed message, and not to be believed.
    case refused(EnvelopeError)
    /// It is a plain message, and only signed ones are wanted.
    case unauthenticated

    package var kind: FailureKind {
        switch self {
        case .unopened(let error): error.kind
        case .refused(let error): error.kind
        case .unauthenticated: .answerIsNo
        }
    }

    package var description: String {
        switch self {
        case .unopened(let error): error.description
        case .refused(let error): error.description
        case .unauthenticated: "it is not signed, and only authenticated messages are passed on"
        }
    }
}
