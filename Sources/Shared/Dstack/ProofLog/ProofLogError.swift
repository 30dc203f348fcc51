package import Console
import Dstack
package import Failures

/// Why no proof came out of a log.
package enum ProofLogError: UserFacingError, Equatable {
    /// The log could not be opened or read.
    case unreadable(ConsoleError)
    /// Nothing in the log looks like a proof.
    case noMarker
    /// Something looked like a proof and was none; `count` candidates were refused, and this one came furthest.
    /// `path` is the file, where there are several.
    case noValidProof(Rejection, path: String?, count: Int)
    /// The time was over before a valid proof came; `refused` as in ``noValidProof(_:path:count:)``.
    case timedOut(after: Duration, refused: Rejection?)

    package var kind: ErrorCategory {
        switch self {
        case .unreadable: .badInput
        case .noMarker, .noValidProof: .negativeResult
        case .timedOut: .serviceFailed
        }
    }

    package var description: String {
        switch self {
        case .unreadable(let error): error.description
        case .noMarker: "no \(ProofScanner.markerText) line in the log"
        case .noValidProof(let refused, let path, let count):
            "a \(ProofScanner.markerText) line was seen at line \(refused.location.line)"
                + (path.map { " of \($0.quotedPath)" } ?? "") + " but no proof was valid: \(refused.reason)"
                + (count > 1 ? " (\(count) such lines in all)" : "")
        case .timedOut(let duration, let refused):
            "no valid proof came within \(duration)"
                + (refused.map { "; at line \($0.location.line) one was rejected: \($0.reason)" } ?? "")
        }
    }

    package var hints: [String] {
        switch self {
        case .noMarker, .timedOut(_, refused: nil):
            [
                "a container's output reaches the serial console only if it is sent there: "
                    + "| tee /dev/ttyS0 (with devices: [/dev/ttyS0])"
            ]
        case .noValidProof(let refused, _, _), .timedOut(_, .some(let refused)):
            switch refused.cause {
            case .invalid(let error): error.hints
            case .cutOff, .tooLong, .notJSON: ["proof-fetch gets the proof from the CVM itself"]
            }
        case .unreadable(let error): error.hints
        }
    }
}
