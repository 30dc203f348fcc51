import Console
import JSON
import Primitives
import TEEBridge

/// The sealed bytes in what is read, found while it comes: its digits become bytes where they stand, so that a large
/// message takes its own memory and no other.
///
/// They are those of a document or of hex, or the bytes as they are. A sealed message begins with 02, 03 or 04, which is
/// neither a digit nor a brace.
struct SealedMessageReader {
    private enum Form { case unknown, bytes, digits, document }

    private var form = Form.unknown
    /// Where the sealed bytes stand, as far as they came; of a document those that seem to be them.
    private(set) var payload = 0..<0
    /// Where digits go on that become bytes behind those; before that, how far was looked for what it is, or in a
    /// document for digits.
    private var next = 0

    private static let space = Array(" \t\r\n".utf8)

    /// Goes on with what came, and closes the gap that digits leave where they became bytes.
    ///
    /// - Parameter input: all that was read so far, as this left it, and what came behind.
    /// - Returns: how many bytes there are now.
    mutating func advance(_ input: inout MutableSpan<UInt8>) -> Int {
        if form == .unknown { begin(input.span, isWhole: false) }
        takeDigits(&input)
        let gap = next - payload.upperBound
        guard !payload.isEmpty, gap > 0 else { return input.count }
        for (target, source) in zip(payload.upperBound..., next..<input.count) { input[target] = input[source] }
        next = payload.upperBound
        return input.count - gap
    }

    /// Finds out what was read.
    private mutating func begin(_ input: Span<UInt8>, isWhole: Bool) {
        if input.count > 0, 0x02...0x04 ~= input[0] {
            form = .bytes
        } else {
            let first = (next..<input.count).first { !Self.space.contains(input[$0]) }
            next = first ?? input.count
            guard let start = first, isWhole || start + 2 <= input.count else { return }
            form = input[start] == UInt8(ascii: "{") ? .document : .digits
            next = start + 2 <= input.count && Self.isPrefix(input, at: start) ? start + 2 : start
            payload = next..<next
        }
    }

    private mutating func takeDigits(_ input: inout MutableSpan<UInt8>) {
        switch form {
        case .unknown: return
        case .bytes: payload = 0..<input.count
        case .document where payload.isEmpty:
            guard let start = Self.longDigits(in: input.span, from: next) else {
                next = max(next, input.count - Self.longDigitCount - 3)
                return
            }
            (payload, next) = (start..<start, start)
            fallthrough
        case .digits, .document:
            let count = Hex.decodeInPlace(&input, from: next, to: payload.upperBound)
            payload = payload.lowerBound..<payload.upperBound + count
            next += 2 * count
        }
    }

    /// Ends with all that was read.
    ///
    /// - Returns: the sender, if the document says one, and where the sealed bytes stand; nil if there is nothing but
    ///   white space.
    /// - Throws: ``JSONError``, ``PrimitiveError``, ``SealError/longDocument(limit:)``.
    mutating func finish(_ input: inout MutableSpan<UInt8>) throws -> (from: Bytes32?, payload: Range<Int>)? {
        if form == .unknown { begin(input.span, isWhole: true) }
        takeDigits(&input)
        switch form {
        case .unknown: return nil
        case .bytes: return (nil, payload)
        case .digits:
            let end = (input.indices.last { !Self.space.contains(input[$0]) } ?? 0) + 1
            guard next < end else { return (nil, payload) }
            throw Hex.fault(at: input[next], restCount: end - next, after: payload.count)
        case .document: return try finishDocument(&input)
        }
    }

    /// Whether 0x stands there, where there are two bytes.
    private static func isPrefix(_ bytes: Span<UInt8>, at index: Int) -> Bool {
        bytes[index] == UInt8(ascii: "0") && bytes[index + 1] == UInt8(ascii: "x")
    }

    // MARK: - Documents

    /// So many digits in a row are taken out of a document before it is parsed.
    private static let longDigitCount = 4096

    /// How many bytes a document may have besides those digits.
    private static let documentLimit = 16 << 20

    /// Parses the document, in which in the place of the digits stand others that nobody can have foreseen; so it shows
    /// whether the payload is meant.
    private mutating func finishDocument(
        _ input: inout MutableSpan<UInt8>
    ) throws -> (from: Bytes32?, payload: Range<Int>) {
        let hasMark = !payload.isEmpty
        let mark = (0..<33).map { _ in UInt8.random(in: .min ... .max) }
        let (front, behind) = hasMark ? (0..<payload.lowerBound, next..<input.count) : (0..<input.count, 0..<0)
        guard front.count + behind.count <= Self.documentLimit else {
            throw SealError.longDocument(limit: Self.documentLimit)
        }
        let text =
            front.map { input[$0] } + (hasMark ? Array(Hex.encode(mark, prefixed: false).utf8) : [])
            + behind.map { input[$0] }
        guard let object = try JSONParser.parse(text).object else { throw JSONError.notAnObject(line: 1) }
        if hasMark, let digits = object["payload"]?.string?.utf8, digits.starts(with: mark.hex.utf8) {
            let rest = digits.dropFirst(mark.hex.utf8.count)
            if let first = rest.first {
                let fault = Hex.fault(at: first, restCount: rest.count, after: payload.count)
                throw object.illTyped("payload", expected: "hex: \(fault)")
            }
        }
        let message = try SealedMessage(json: object)
        guard message.payload != mark else { return (message.from, payload) }
        // It is shorter than the document that it stood in.
        for (index, byte) in message.payload.enumerated() { input[index] = byte }
        return (message.from, 0..<message.payload.count)
    }

    /// Where the first long run of digits begins, after a quote and 0x.
    private static func longDigits(in text: Span<UInt8>, from start: Int) -> Int? {
        var index = start
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
