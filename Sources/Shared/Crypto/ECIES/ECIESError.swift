package import Failures

/// Why a message was not sealed, or does not open.
package enum ECIESError: UserFacingError, Equatable {
    /// Fewer bytes than a sealed message has before its text.
    case tooShort(actual: Int, least: Int)
    /// The message does not begin with a public key of the expected form.
    case invalidEphemeralKey
    /// The tag does not fit. Nothing of the text was shown.
    case doesNotOpen
    /// OpenSSL failed where it cannot on sound arguments.
    case libraryFailed(String)

    package var kind: ErrorCategory {
        switch self {
        case .libraryFailed: .serviceFailed
        default: .negativeResult
        }
    }

    package var description: String {
        switch self {
        case .tooShort(let actual, let least):
            "the sealed message has \(actual) bytes, but at least \(least) are needed"
        case .invalidEphemeralKey: "the sealed message does not begin with a public key of the expected form"
        case .doesNotOpen:
            "the sealed message does not open: it is for another key, sealed with other settings, or damaged"
        case .libraryFailed(let text): text
        }
    }

    package var hints: [String] {
        switch self {
        case .tooShort, .invalidEphemeralKey:
            ["is it from ecies-seal, or from eciespy with the same settings (--ephemeral-compressed)?"]
        case .doesNotOpen:
            ["is --key the recipient's, and do the settings match the sender's (--hkdf-compressed, --nonce-length)?"]
        case .libraryFailed: []
        }
    }
}
