import Console
import JSON
import Primitives
import TEEBridge

/// The sealed bytes in what is read, found while it comes: its digits become bytes where they stand, so that a large
/// message takes its own memory and no other.
///
/// They are those of a document or of hex, which may be wrapped into lines, or the bytes as they are. A sealed message
/// begins with 02, 03 or 04, which is neither a digit nor a brace.
struct SealedMessageReader {
    private enum Form { case unknown, bytes, digits, document }

    private var form = Form.unknown
    /// Where the text begins: behind a byte order mark.
    private var start = 0
    /// Where the sealed bytes stand, as far as they came; of a document those that seem to be them.
    private(set) var payload = 0..<0
    /// Where digits go on that become bytes behind those; before that, how far was looked for what it is, or in a
    /// document for digits.
    private var next = 0

    private static let space = Array(" \t\r\n".utf8)
    private static let lineEnd = Array("\r\n".utf8)

    /// Goes on with what came, and closes the gap that digits leave where they became bytes.
    ///
    /// - Parameter input: all that was read so far, as this left it, and what came behind.
    /// - Returns: how many bytes there are now.
    mutating func advance(_ input: inout MutableSpan<UInt8>) -> Int {
        if form == .unknown { begin(input.span, isWhole: false) }
        let end = takeDigits(&input)
        let gap = next - payload.upperBound
        guard !payload.isEmpty, gap > 0 else { return end }
        for (target, source) in zip(payload.upperBound..., next..<end) { input[target] = input[source] }
        next = payload.upperBound
        return end - gap
    }

    /// Finds out what was read.
    private mutating func begin(_ input: Span<UInt8>, isWhole: Bool) {
        if input.count > 0, 0x02...0x04 ~= input[0] {
            form = .bytes
        } else {
            if next == 0 {
                guard isWhole || input.count >= TextEncoding.leadingByteCount else { return }
                if TextEncoding(leading: input) == .markedUTF8 { start = TextEncoding.leadingByteCount }
                next = start
            }
            let first = (next..<input.count).first { !Self.space.contains(input[$0]) }
            next = first ?? input.count
            guard let first, isWhole || first + 2 <= input.count else { return }
            form = "{[".utf8.contains(input[first]) ? .document : .digits
            next = first + 2 <= input.count && Self.isPrefix(input, at: first) ? first + 2 : first
            payload = next..<next
        }
    }

    /// Takes what has come of the payload.
    ///
    /// - Returns: how many bytes there are now, without line ends between digits.
    private mutating func takeDigits(_ input: inout MutableSpan<UInt8>) -> Int {
        switch form {
        case .unknown: break
        case .bytes: payload = 0..<input.count
        case .digits:
            decode(&input, upTo: input.count)
            let rest = next..<input.count
            guard rest.prefix(2).contains(where: { Self.lineEnd.contains(input[$0]) }) else { break }
            var end = next
            for index in rest where !Self.lineEnd.contains(input[index]) {
                input[end] = input[index]
                end += 1
            }
            decode(&input, upTo: end)
            return end
        case .document:
            if payload.isEmpty {
                guard let start = Self.longDigits(in: input.span, from: next) else {
                    next = max(next, input.count - Self.longDigitCount - 3)
                    break
                }
                (payload, next) = (start..<start, start)
            }
            decode(&input, upTo: input.count)
        }
        return input.count
    }

    private mutating func decode(_ input: inout MutableSpan<UInt8>, upTo end: Int) {
        let count = Hex.decodeInPlace(&input, from: next..<end, to: payload.upperBound)
        payload = payload.lowerBound..<payload.upperBound + count
        next += 2 * count
    }

    /// Ends with all that was read.
    ///
    /// - Parameter file: where it was read from; nil is standard input.
    /// - Returns: the sender, if the document says one, and where the sealed bytes stand; nil if there is nothing but
    ///   white space.
    /// - Throws: ``JSONError``, ``PrimitiveError``, `WrongDocument`, ``SealError/longDocument(limit:)``,
    ///   ``SealError/severalMessages(count:file:)``.
    mutating func finish(
        _ input: inout MutableSpan<UInt8>, file: String?
    ) throws -> (from: Bytes32?, payload: Range<Int>)? {
        if form == .unknown { begin(input.span, isWhole: true) }
        var end = takeDigits(&input)
        switch form {
        case .unknown: return nil
        case .bytes: return (nil, payload)
        case .digits:
            while end > next, Self.space.contains(input[end - 1]) { end -= 1 }
            guard next < end else { return (nil, payload) }
            if end > next + 1, Self.isPrefix(input.span, at: next) {
                let others = (next..<end).count { input[$0] == UInt8(ascii: "x") }
                throw SealError.severalMessages(count: 1 + others, file: file)
            }
            let head = (next..<min(end, next + 4096)).map { input[$0] }
            let other = payload.isEmpty ? WrongDocument(text: head, in: file, awaited: Self.awaited) : nil
            throw other ?? Hex.fault(at: input[next], restCount: end - next, after: payload.count)
        case .document: return try finishDocument(&input, file: file)
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
        _ input: inout MutableSpan<UInt8>, file: String?
    ) throws -> (from: Bytes32?, payload: Range<Int>) {
        let hasMark = !payload.isEmpty
        let mark = (0..<33).map { _ in UInt8.random(in: .min ... .max) }
        let (front, behind) = hasMark ? (start..<payload.lowerBound, next..<input.count) : (start..<input.count, 0..<0)
        guard front.count + behind.count <= Self.documentLimit else {
            throw SealError.longDocument(limit: Self.documentLimit)
        }
        let text =
            front.map { input[$0] } + (hasMark ? Array(Hex.encode(mark, prefixed: false).utf8) : [])
            + behind.map { input[$0] }
        let object = try Self.onlyObject(in: text, file: file)
        if hasMark, let digits = object["payload"]?.string?.utf8, digits.starts(with: mark.hex.utf8) {
            let rest = digits.dropFirst(mark.hex.utf8.count)
            if let first = rest.first {
                let fault = Hex.fault(at: first, restCount: rest.count, after: payload.count)
                throw object.illTyped("payload", expected: "hex: \(fault)")
            }
        }
        let message: SealedMessage
        do throws(JSONError) { message = try SealedMessage(json: object) } catch {
            throw WrongDocument(object, in: file, awaited: Self.awaited) ?? error
        }
        guard message.payload != mark else { return (message.from, payload) }
        // It is shorter than the document that it stood in.
        for (index, byte) in message.payload.enumerated() { input[index] = byte }
        return (message.from, 0..<message.payload.count)
    }

    /// What errors call what is opened.
    private static let awaited = DocumentKind.sealedMessage.name

    /// The object that a text is.
    private static func onlyObject(in text: [UInt8], file: String?) throws -> JSONObject {
        var stream = JSONStream(limit: text.count)
        let values = try stream.feed(text) + stream.finish()
        guard let object = values.first?.value.object else { throw JSONError.notAnObject(line: 1) }
        guard values.count > 1 else { return object }
        throw WrongDocument(object, in: file, awaited: awaited)
            ?? SealError.severalMessages(count: values.count, file: file)
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
