/// Cuts a stream of bytes into JSON values: JSON Lines, values one after another in any layout, or one array, whose
/// elements are the values.
///
/// It keeps only the value that is being read, so a stream of lines may be of any length; an array is one value, and
/// its elements are given when it has ended.
package struct JSONStream {
    /// How many bytes one value may have.
    package let limit: Int

    private var pending: [UInt8] = []
    private var pendingLine = 1
    private var line = 1
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    private var isFirst = true
    private var wasArray = false
    private var ready: [Element] = []

    /// A value and the line on which it begins.
    package typealias Element = (line: Int, value: JSONValue)

    package init(limit: Int) { self.limit = limit }

    /// Takes more bytes of the stream and gives the values that end in them.
    ///
    /// - Throws: ``JSONError``. The values before the fault are not given: nothing of these bytes should be acted on.
    package mutating func feed(_ bytes: some Collection<UInt8>) throws(JSONError) -> [Element] {
        // An array, since going through any collection of another module's takes several times as long.
        let bytes = Array(bytes)
        var position = 0
        while position < bytes.count {
            // Most of what comes are the insides of strings, where nothing is to be noted.
            var end = position
            if isInString, !isEscaped { while end < bytes.count, Self.isPlain(bytes[end]) { end += 1 } }
            if end > position {
                try append(bytes[position..<end])
                position = end
            } else {
                try consume(bytes[position])
                position += 1
            }
        }
        defer { ready = [] }
        return ready
    }

    /// Says that the stream has ended and gives the last value, where no white space followed it.
    ///
    /// - Throws: ``JSONError/truncated(line:)`` inside a value.
    package mutating func finish() throws(JSONError) -> [Element] {
        guard !isInside else { throw .truncated(line: pendingLine) }
        try emit()
        defer { ready = [] }
        return ready
    }

    /// Whether the stream is inside an array, an object or a string.
    private var isInside: Bool { depth > 0 || isInString }

    /// Whether a byte of a string neither ends it, nor escapes what follows, nor ends a line.
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private mutating func consume(_ byte: UInt8) throws(JSONError) {
        switch byte {
        case _ where isInside:
            try append(byte)
            if !isInside { try emit() }
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"):
            try emit()
        case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "]"), UInt8(ascii: "}"):
            throw .syntax(line: line, expected: "a value")
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\""):
            try emit()
            try append(byte)
        default: try append(byte)
        }
        if byte == UInt8(ascii: "\n") { line += 1 }
    }

    /// Takes bytes of a value.
    private mutating func append(_ bytes: ArraySlice<UInt8>) throws(JSONError) {
        guard pending.count + bytes.count <= limit else { throw .tooLarge(line: pendingLine, limit: limit) }
        pending += bytes
    }

    /// Takes a byte of a value, and notes whether it opens or closes anything.
    private mutating func append(_ byte: UInt8) throws(JSONError) {
        if pending.isEmpty { pendingLine = line }
        guard pending.count < limit else { throw .tooLarge(line: pendingLine, limit: limit) }
        pending.append(byte)
        if isEscaped {
            isEscaped = false
        } else if isInString {
            isEscaped = byte == UInt8(ascii: "\\")
            if byte == UInt8(ascii: "\"") { isInString = false }
        } else {
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
    }

    private mutating func emit() throws(JSONError) {
        guard !pending.isEmpty else { return }
        guard !wasArray else { throw .syntax(line: pendingLine, expected: "the end after the array") }
        let value = try JSONParser.parse(pending, line: pendingLine)
        pending.removeAll(keepingCapacity: true)
        if isFirst, let elements = value.array {
            wasArray = true
            ready += elements.map { (pendingLine, $0) }
        } else {
            ready.append((pendingLine, value))
        }
        isFirst = false
    }
}
