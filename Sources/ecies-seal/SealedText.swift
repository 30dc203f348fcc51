import Console
import JSON
import Primitives
import TEEBridge

/// The sealed bytes in what was read: its digits become bytes where they stand, so that a large message takes its own
/// memory and no other.
struct SealedText {
    /// The sender, if the document says one.
    let from: Bytes32?
    /// Where the sealed bytes stand.
    let payload: Range<Int>

    private static let space = Array(" \t\r\n".utf8)

    /// Finds the sealed bytes: those of a document or of hex, or the bytes as they are. A sealed message begins with
    /// 02, 03 or 04, which is neither a digit nor a brace.
    ///
    /// - Returns: nil if there is nothing but white space.
    /// - Throws: ``JSONError``, ``PrimitiveError``.
    init?(in input: inout MutableSpan<UInt8>) throws {
        if input.count > 0, 0x02...0x04 ~= input[0] {
            self.init(from: nil, payload: 0..<input.count)
        } else {
            guard let start = input.indices.first(where: { !Self.space.contains(input[$0]) }) else { return nil }
            if input[start] == UInt8(ascii: "{") {
                try self.init(document: &input)
            } else {
                try self.init(digits: &input, from: start)
            }
        }
    }

    private init(from: Bytes32?, payload: Range<Int>) {
        self.from = from
        self.payload = payload
    }

    private init(digits input: inout MutableSpan<UInt8>, from start: Int) throws {
        let end = (input.indices.last { !Self.space.contains(input[$0]) } ?? start) + 1
        let isPrefixed = end - start >= 2 && Self.isPrefix(input.span, at: start)
        let first = isPrefixed ? start + 2 : start
        let count = Hex.decodeInPlace(&input, from: first)
        let rest = min(first + 2 * count, end)..<end
        guard rest.isEmpty else { throw Hex.fault(in: rest.map { input[$0] }, after: count) }
        self.init(from: nil, payload: first..<first + count)
    }

    /// Whether 0x stands there, where there are two bytes.
    private static func isPrefix(_ bytes: Span<UInt8>, at index: Int) -> Bool {
        bytes[index] == UInt8(ascii: "0") && bytes[index + 1] == UInt8(ascii: "x")
    }

    // MARK: - Documents

    /// So many digits in a row are taken out of a document before it is parsed.
    private static let longDigitCount = 4096

    /// How many bytes a document may have beside those digits.
    private static let documentLimit = 1 << 20

    /// A document, of which digits in great number become bytes before the rest is parsed.
    ///
    /// In their place stand others that nobody can have foreseen; so it shows whether the payload is meant.
    private init(document input: inout MutableSpan<UInt8>) throws {
        let mark = (0..<33).map { _ in UInt8.random(in: .min ... .max) }
        let start = Self.longDigits(in: input.span) ?? input.count
        let count = Hex.decodeInPlace(&input, from: start)
        guard input.count - 2 * count <= Self.documentLimit else {
            throw JSONError.tooLarge(line: 1, limit: Self.documentLimit)
        }
        let front = (0..<start).map { input[$0] }
        let behind = (start + 2 * count..<input.count).map { input[$0] }
        let hasMark = count > 0
        let text = front + (hasMark ? Hex.encode(mark, prefixed: false).utf8.map { $0 } : []) + behind
        guard let object = try JSONParser.parse(text).object else { throw JSONError.notAnObject(line: 1) }
        if hasMark, let digits = object["payload"]?.string?.utf8, digits.starts(with: mark.hex.utf8) {
            let rest = digits.dropFirst(mark.hex.utf8.count)
            guard rest.isEmpty else {
                throw object.illTyped("payload", expected: "hex: \(Hex.fault(in: rest, after: count))")
            }
        }
        let message = try SealedMessage(json: object)
        from = message.from
        if message.payload == mark {
            payload = start..<start + count
        } else {
            // It is shorter than the document that it stood in.
            for (index, byte) in message.payload.enumerated() { input[index] = byte }
            payload = 0..<message.payload.count
        }
    }

    /// Where the first digits stand that are many in a row, behind a quote and 0x.
    private static func longDigits(in text: Span<UInt8>) -> Int? {
        var index = 0
        while index + 3 + longDigitCount <= text.count {
            if text[index] == UInt8(ascii: "\""), isPrefix(text, at: index + 1) {
                let digits = index + 3..<index + 3 + longDigitCount
                if digits.allSatisfy({ Hex.value(of: text[$0]) != nil }) { return digits.lowerBound }
            }
            index += 1
        }
        return nil
    }
}
