package import Failures

/// Why a cipher did not do its work.
package enum CipherError: Failure, Equatable {
    /// The tag does not fit: a wrong key, or changed bytes. Nothing of the plaintext was shown.
    case notAuthentic
    /// OpenSSL refused a call that cannot fail on sound arguments.
    case libraryFailed(call: String)
    /// A password could not be made a key, most likely for want of memory.
    case derivationFailed

    package var kind: FailureKind {
        switch self {
        case .notAuthentic: .answerIsNo
        case .libraryFailed, .derivationFailed: .serviceFailed
        }
    }

    package var description: String {
        switch self {
        case .notAuthentic: "the authentication tag does not fit"
        case .libraryFailed(let call): "OpenSSL's \(call) failed"
        case .derivationFailed: "the password could not be made a key, most likely for want of memory"
        }
    }
}
