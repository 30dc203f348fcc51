import ArgumentParser
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
