package import Failures

/// Why a cipher did not do its work.
package enum CipherError: Failure, Equatable {
    /// The tag does not fit: a wrong key, or changed bytes. Nothing of the plaintext was shown.
    case notAuthentic
    /// OpenSSL refused a call that cannot fail on sound arguments.
    case libraryFailed(call: String)

    package var kind: FailureKind {
        switch self {
        case .notAuthentic: .answerIsNo
        case .libraryFailed: .serviceFailed
        }
    }

    package var description: String {
        switch self {
        case .notAuthentic: "the authentication tag does not fit"
        case .libraryFailed(let call): "OpenSSL's \(call) failed"
        }
    }
}
