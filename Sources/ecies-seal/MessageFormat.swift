import ArgumentParser
import Failures
import JSON
import Primitives
import TEEBridge

/// How a sealed message is printed.
enum MessageFormat: String, ExpressibleByArgument, CaseIterable {
    case json, hex, raw

    /// How many bytes become text at once. What is shorter comes in one piece.
    private static let blockByteCount = 64 << 10

    /// Hands over a message as it is printed, in pieces.
    ///
    /// - Parameters:
    ///   - from: the sender, for the document.
    ///   - to: the recipient, for the document.
    func forEachPiece<Reason: Error>(
        of message: Span<UInt8>, from: Bytes32?, to: Bytes32?, _ body: (Span<UInt8>) throws(Reason) -> Void
    ) throws(Reason) {
        let (head, tail): (String, String)
        switch self {
        case .raw: return try body(message)
        case .hex: (head, tail) = ("0x", "\n")
        case .json:
            // The payload comes last: its digits stand between these.
            let empty = SealedMessage(from: from, to: to, payload: []).json.compact
            (head, tail) = (String(empty.dropLast(2)), empty.suffix(2) + "\n")
        }
        let blockByteCount = min(Self.blockByteCount, message.count)
        var piece = Array(head.utf8) + [UInt8](repeating: 0, count: 2 * blockByteCount) + Array(tail.utf8)
        var (position, start) = (0, head.utf8.count)
        repeat {
            let block = message.extracting(position..<min(position + blockByteCount, message.count))
            var text = piece.mutableSpan
            Hex.encode(block, into: &text, at: start)
            var end = start + 2 * block.count
            position += block.count
            if position == message.count {
                for byte in tail.utf8 {
                    text[end] = byte
                    end += 1
                }
            }
            try body(piece.span.extracting(0..<end))
            start = 0
        } while position < message.count
    }
}

/// Why nothing was printed.
enum SealError: UserFacingError {
    /// Bytes would go to a terminal.
    case terminal
    /// The message is to be sent by another member than the one that signs it.
    case foreignSender(named: Bytes32, signer: Bytes32)
    /// A line names a key and a member that it is not the key of.
    case foreignKey(line: Int, member: Bytes32)
    /// More recipients than are sealed to at once.
    case tooManyRecipients(limit: Int)
    /// There is no secret in the input, or a line end alone.
    case empty(path: String, hasLineEnd: Bool)
    /// There are several messages where one is opened; `file` is nil for standard input.
    case severalMessages(count: Int, file: String?)
    /// A document has more bytes besides the first long text of digits in it.
    case longDocument(limit: Int)

    var kind: ErrorCategory { .badInput }

    var description: String {
        switch self {
        case .terminal: "bytes are not written to a terminal"
        case .foreignSender(let named, let signer):
            "--from-member is \(named), but the signing key belongs to \(signer)"
        case .foreignKey(let line, let member): "line \(line): the public key does not belong to member \(member)"
        case .tooManyRecipients(let limit): "there are more than \(limit) recipients"
        case .empty(let path, false): "the secret is empty: nothing came from \(path.quotedPath)"
        case .empty(let path, true): "the secret is empty: only a line end came from \(path.quotedPath)"
        case .severalMessages(let count, let file):
            "\(file?.quotedPath ?? "standard input") holds \(count) sealed messages, and --open opens one"
        case .longDocument(let limit): "the document has more than \(limit) bytes besides its payload"
        }
    }

    var hints: [String] {
        switch self {
        case .terminal: ["redirect it to a file or a program"]
        case .foreignSender: ["leave --from-member out: the key determines the sender"]
        case .foreignKey:
            ["a member id is the Keccak-256 hash of the 33-byte key; one of the two belongs to another member"]
        case .severalMessages(_, let file):
            [
                #"to open each: \#(file == nil ? "… | " : "")while read -r line; do echo "$line" | "#
                    + "ecies-seal --open --key SOURCE; done" + (file.map { " < \($0.shellWord)" } ?? "")
            ]
        case .longDocument: ["a sealed message is an object with a payload, or the payload's hex digits alone"]
        case .tooManyRecipients: ["split the file of recipients"]
        case .empty: ["is the variable set that it comes from? --allow-empty seals it all the same"]
        }
    }
}
