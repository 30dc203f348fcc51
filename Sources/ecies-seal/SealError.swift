import Failures
import Primitives

/// Why nothing was printed.
enum SealError: Failure {
    /// Bytes would go to a terminal.
    case terminal
    /// The message is to be sent by another member than the one that signs it.
    case foreignSender(named: Bytes32, signer: Bytes32)

    var kind: FailureKind { .badInput }

    var description: String {
        switch self {
        case .terminal: "the output is bytes, and standard output is a terminal"
        case .foreignSender(let named, let signer): "--from-member is \(named), but the key to sign with is \(signer)'s"
        }
    }

    var hints: [String] {
        switch self {
        case .terminal: ["redirect it to a file or a program"]
        case .foreignSender: ["leave --from-member out: the key says who signs"]
        }
    }
}
