/// Cuts a stream of bytes into JSON values: JSON Lines, values one after another in any layout, or one array, whose
/// elements are the values.
///
/// It keeps only the value that is being read, so a stream may be of any length.
package struct JSONStream {
    /// How many bytes one value may have.
    package let limit: Int

    private var pending: [UInt8] = []
    private var pendingLine = 1
    private var line = 1
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    private var frame = Frame.undecided
    private var ready: [Element] = []
    private var failure: JSONError?

    /// A value and the line on which it begins.
    package typealias Element = (line: Int, value: JSONValue)

    private enum Frame {
        case undecided, values, beforeElement(isFirst: Bool), afterElement, ended
    }

    package init(limit: Int) { self.limit = limit }

    /// Takes more bytes of the stream and gives the values that end in them.
    ///
    /// - Throws: ``JSONError``, but only once the values before the fault were given: the fault is then kept for the
    ///   next call.
    package mutating func feed(_ bytes: some Collection<UInt8>) throws(JSONError) -> [Element] {
        try collect { stream throws(JSONError) in
            for byte in bytes { try stream.consume(byte) }
        }
    }

    /// Says that the stream has ended and gives the last value, where no white space followed it.
    ///
    /// - Throws: ``JSONError/truncated(line:)`` inside a value or an array, or the fault that was kept.
    package mutating func finish() throws(JSONError) -> [Element] {
        try collect { stream throws(JSONError) in
            guard stream.depth == 0, !stream.isInString else { throw .truncated(line: stream.pendingLine) }
            try stream.emit()
            switch stream.frame {
            case .beforeElement, .afterElement: throw .truncated(line: stream.line)
            case .undecided, .values, .ended: break
            }
        }
    }

    private mutating func collect(
        _ work: (inout JSONStream) throws(JSONError) -> Void
    ) throws(JSONError) -> [Element] {
        if failure == nil {
            do throws(JSONError) { try work(&self) } catch { failure = error }
        }
        defer { ready = [] }
        if let failure, ready.isEmpty { throw failure }
        return ready
    }

    private mutating func consume(_ byte: UInt8) throws(JSONError) {
        if depth == 0 && !isInString {
            try consumeBetween(byte)
        } else {
            try append(byte)
            consumeInside(byte)
            if depth == 0 && !isInString { try emit() }
        }
        if byte == UInt8(ascii: "\n") { line += 1 }
    }

    /// Inside a value that is an array, an object or a string: only its end matters here.
    private mutating func consumeInside(_ byte: UInt8) {
        if isInString {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
            return
        }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
        default: break
        }
    }

    private mutating func consumeBetween(_ byte: UInt8) throws(JSONError) {
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"):
            try emit()
        case UInt8(ascii: "["):
            if case .undecided = frame, pending.isEmpty {
                frame = .beforeElement(isFirst: true)
            } else {
                try begin(byte)
            }
        case UInt8(ascii: ","):
            try emit()
            guard case .afterElement = frame else { throw .syntax(line: line, expected: "a value") }
            frame = .beforeElement(isFirst: false)
        case UInt8(ascii: "]"):
            try emit()
            switch frame {
            case .afterElement, .beforeElement(isFirst: true): frame = .ended
            default: throw .syntax(line: line, expected: "a value")
            }
        default: try begin(byte)
        }
    }

    /// A byte of a value that begins here, or of a bare word such as a number.
    private mutating func begin(_ byte: UInt8) throws(JSONError) {
        switch frame {
        case .undecided: frame = .values
        case .afterElement: throw .syntax(line: line, expected: "a comma or the end of the array")
        case .ended: throw .syntax(line: line, expected: "the end after the array")
        case .values, .beforeElement: break
        }
        if !pending.isEmpty, byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "\"") {
            try emit()
        }
        if pending.isEmpty { pendingLine = line }
        try append(byte)
        consumeInside(byte)
        guard depth >= 0 else { throw .syntax(line: line, expected: "a value") }
    }

    private mutating func append(_ byte: UInt8) throws(JSONError) {
        guard pending.count < limit else { throw .tooLarge(line: pendingLine, limit: limit) }
        pending.append(byte)
    }

    private mutating func emit() throws(JSONError) {
        guard !pending.isEmpty else { return }
        let value = try JSONParser.parse(pending, line: pendingLine)
        pending.removeAll(keepingCapacity: true)
        ready.append((pendingLine, value))
        if case .beforeElement = frame { frame = .afterElement }
    }
}
