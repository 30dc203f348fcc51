import Failures
import Primitives

/// Why nothing was printed.
enum SealError: Failure {
    /// Bytes would go to a terminal.
    case terminal
    /// The message is to be sent by another member than the one that signs it.
    case foreignSender(named: Bytes32, signer: Bytes32)
    /// A line names a key and a member that it is not the key of.
    case foreignKey(line: Int, member: Bytes32)
    /// More recipients than are sealed to at once.
    case tooManyRecipients(limit: Int)

    /// A document has more bytes beside the first long text of digits in it.
    case longDocument(limit: Int)

    var kind: FailureKind { .badInput }

    var description: String {
        switch self {
        case .terminal: "the output is bytes, and standard output is a terminal"
        case .foreignSender(let named, let signer): "--from-member is \(named), but the key to sign with is \(signer)'s"
        case .foreignKey(let line, let member): "line \(line): the public key is not that of the member \(member)"
        case .tooManyRecipients(let limit): "there are more than \(limit) recipients"
        case .longDocument(let limit): "the document has more than \(limit) bytes beside the first long digits in it"
        }
    }

    var hints: [String] {
        switch self {
        case .terminal: ["redirect it to a file or a program"]
        case .foreignSender: ["leave --from-member out: the key says who signs"]
        case .foreignKey: ["a member's id is the Keccak-256 hash of its 33-byte key; one of them is another member's"]
        case .longDocument: ["a sealed message is an object with payload, or the payload's digits alone"]
        case .tooManyRecipients: ["split the file of recipients"]
        }
    }
}
