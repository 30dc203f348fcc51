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
        var piece = Array(head.utf8)
        var position = 0
        repeat {
            let block = message.extracting(position..<min(position + Self.blockByteCount, message.count))
            let start = piece.count
            piece.append(contentsOf: repeatElement(0, count: 2 * block.count))
            var digits = piece.mutableSpan
            Hex.encode(block, into: &digits, at: start)
            position += block.count
            if position == message.count { piece += Array(tail.utf8) }
            try body(piece.span)
            piece.removeAll(keepingCapacity: true)
        } while position < message.count
    }
}
