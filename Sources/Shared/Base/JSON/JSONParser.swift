/// A strict reader of JSON texts (RFC 8259).
///
/// Refused beyond the grammar: a duplicate name in an object, lone surrogates, invalid UTF-8, a byte order
/// mark, nesting deeper than ``depthLimit``, and more values than ``valueLimit``.
package struct JSONParser {
    /// How deep arrays and objects may stand inside each other.
    package static let depthLimit = 64
    /// How many values a text may have, those inside others included: each takes some hundred bytes of memory, and
    /// two bytes of text.
    package static let valueLimit = 200_000

    private let bytes: ArraySlice<UInt8>
    private var position: Int
    private var line: Int
    private var valueCount = 0

    /// The one value that the text is.
    ///
    /// - Parameters:
    ///   - bytes: the text, UTF-8; white space may stand around the value.
    ///   - line: the number of the line on which the text begins.
    /// - Throws: ``JSONError``.
    package static func parse(_ bytes: some Collection<UInt8>, line: Int = 1) throws(JSONError) -> JSONValue {
        var parser = JSONParser(Array(bytes)[...], line: line)
        parser.skipSpace()
        let value = try parser.value(depth: 0, in: nil, at: nil)
        parser.skipSpace()
        guard parser.peek == nil else { throw parser.expected("the end after the value") }
        return value
    }

    /// The one value that the text is.
    ///
    /// - Throws: ``JSONError`` if it is not JSON, or has more behind its value.
    package static func parse(_ text: String) throws(JSONError) -> JSONValue { try parse(Array(text.utf8)) }

    private init(_ bytes: ArraySlice<UInt8>, line: Int) {
        self.bytes = bytes
        self.position = bytes.startIndex
        self.line = line
    }

    private var peek: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

    private func expected(_ what: String) -> JSONError {
        peek == nil ? .truncated(line: line) : .syntax(line: line, expected: what)
    }

    private mutating func skipSpace() {
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\n"): line += 1
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): break
            default: return
            }
            position += 1
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    /// - Parameters:
    ///   - around: the location of the enclosing value.
    ///   - step: the way from there to this one; nil for the outermost.
    private mutating func value(
        depth: Int, in around: JSONLocation?, at step: JSONLocation.Step?
    ) throws(JSONError) -> JSONValue {
        guard depth < Self.depthLimit else { throw .tooDeep(line: line, limit: Self.depthLimit) }
        valueCount += 1
        guard valueCount <= Self.valueLimit else { throw .tooManyValues(line: line, limit: Self.valueLimit) }
        switch peek {
        case UInt8(ascii: "{"): return .object(try object(depth: depth, at: step.map { JSONLocation($0, in: around) }))
        case UInt8(ascii: "["): return .array(try array(depth: depth, at: step.map { JSONLocation($0, in: around) }))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"): return .number(try number())
        case let byte? where Self.isDigit(byte): return .number(try number())
        default: throw expected("a value")
        }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for byte in word.utf8 {
            guard take(byte) else { throw expected("\(word)") }
        }
        return value
    }

    private mutating func object(depth: Int, at place: JSONLocation?) throws(JSONError) -> JSONObject {
        let firstLine = line
        position += 1
        var members: [(name: String, value: JSONValue)] = []
        var names: Set<String> = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return JSONObject(members: [], line: firstLine, place: place) }
        while true {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw expected("a member name") }
            let name = try string()
            guard names.insert(name).inserted else {
                throw .duplicateMember(line: line, member: (place?.path ?? "") + name)
            }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw expected("a colon") }
            skipSpace()
            members.append((name, try value(depth: depth + 1, in: place, at: .member(name))))
            skipSpace()
            if take(UInt8(ascii: "}")) { return JSONObject(members: members, line: firstLine, place: place) }
            guard take(UInt8(ascii: ",")) else { throw expected("a comma or the end of the object") }
        }
    }

    private mutating func array(depth: Int, at place: JSONLocation?) throws(JSONError) -> [JSONValue] {
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return [] }
        while true {
            skipSpace()
            elements.append(try value(depth: depth + 1, in: place, at: .element(elements.count)))
            skipSpace()
            if take(UInt8(ascii: "]")) { return elements }
            guard take(UInt8(ascii: ",")) else { throw expected("a comma or the end of the array") }
        }
    }

    private static func isDigit(_ byte: UInt8?) -> Bool { byte.map { 0x30...0x39 ~= $0 } ?? false }

    private mutating func digits() throws(JSONError) {
        guard Self.isDigit(peek) else { throw expected("a digit") }
        while Self.isDigit(peek) { position += 1 }
    }

    private mutating func number() throws(JSONError) -> String {
        let start = position
        _ = take(UInt8(ascii: "-"))
        if take(UInt8(ascii: "0")) {
            guard !Self.isDigit(peek) else { throw expected("no digit after a leading zero") }
        } else {
            try digits()
        }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func string() throws(JSONError) -> String {
        position += 1
        var text = ""
        var start = position
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                text += try characters(from: start)
                position += 1
                return text
            case UInt8(ascii: "\\"):
                text += try characters(from: start)
                position += 1
                text.unicodeScalars.append(try escape())
                start = position
            case 0..<0x20: throw expected("no control character in a string")
            default: position += 1
            }
        }
        throw .truncated(line: line)
    }

    private func characters(from start: Int) throws(JSONError) -> String {
        let part = bytes[start..<position]
        // What is ASCII alone is UTF-8, and found to be so several times as fast.
        if part.allSatisfy({ $0 < 0x80 }) { return String(decoding: part, as: UTF8.self) }
        guard let text = String(validating: part, as: UTF8.self) else {
            throw .syntax(line: line, expected: "UTF-8 in a string")
        }
        return text
    }

    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        guard let byte = peek else { throw .truncated(line: line) }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default:
            position -= 1
            throw expected("an escape")
        }
    }

    private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard 0xD800..<0xDC00 ~= first, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw expected("a pair of surrogates")
        }
        let second = try codeUnit()
        guard 0xDC00..<0xE000 ~= second,
            let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00))
        else { throw expected("a pair of surrogates") }
        return scalar
    }

    private mutating func codeUnit() throws(JSONError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw expected("four hex digits")
            }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }
}
