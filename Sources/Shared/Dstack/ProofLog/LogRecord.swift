import JSON

/// A line of a log that is a document, with a piece of the text that was printed.
struct LogRecord {
    /// The text.
    let text: [UInt8]
    /// The stream that it was printed to; nil if the record does not say.
    let stream: String?

    /// The members that have the text: docker's, journald's, and those of loggers and of collectors.
    private static let textMembers = ["log", "message", "msg", "MESSAGE", "body", "line"]
    /// The members that have the stream.
    private static let streamMembers = ["stream", "channel"]

    /// Reads a line: an object with the text in one of the usual members, also behind a prefix or as an element of an
    /// array; or an event of asciicast.
    init?(line: [UInt8]) {
        guard let json = (try? JSONParser.parse(line)) ?? Self.object(in: line) else { return nil }
        if let event = json.array {
            guard event.count == 3, let text = event.last?.string else { return nil }
            (self.text, stream) = (Array(text.utf8), event.dropFirst().first?.string)
        } else {
            guard let object = json.object,
                let text = Self.textMembers.lazy.compactMap({ object[$0]?.string }).first
            else { return nil }
            self.text = Array(text.utf8)
            stream = Self.streamMembers.lazy.compactMap { object[$0]?.string }.first
        }
    }

    private static func object(in line: [UInt8]) -> JSONValue? {
        guard let start = line.firstIndex(of: UInt8(ascii: "{")), let end = line.lastIndex(of: UInt8(ascii: "}")),
            start < end
        else { return nil }
        return try? JSONParser.parse(Array(line[start...end]))
    }

    /// The stream that the rest of a record's line names, behind the quote that ends its text.
    static func stream(inEnd end: ArraySlice<UInt8>) -> String? {
        guard end.first == UInt8(ascii: ","), let brace = end.lastIndex(of: UInt8(ascii: "}")) else { return nil }
        return stream(inMembers: end[(end.startIndex + 1)..<brace])
    }

    /// The stream that some members of a record name.
    static func stream(inMembers members: ArraySlice<UInt8>) -> String? {
        guard let object = (try? JSONParser.parse(Array("{".utf8) + members + Array("}".utf8)))?.object else {
            return nil
        }
        return streamMembers.lazy.compactMap { object[$0]?.string }.first
    }
}

/// Joins the text of records that stand one behind the other, where one line was cut into several: docker cuts at 16 KiB.
struct RecordJoiner: Sendable {
    /// The stream of the first record; nil if it is not known.
    private var stream: String?

    init(stream: String?) { self.stream = stream }

    /// The text of a line.
    ///
    /// - Parameters:
    ///   - line: a whole record or, as the first, what follows a marker in a record's text.
    ///   - isFirst: whether this is the first.
    mutating func text(of line: ArraySlice<UInt8>, isFirst: Bool) -> [UInt8] {
        if isFirst {
            guard let end = Self.stringEnd(in: line) else { return Self.unescaped(line) }
            // An object in a string has escaped quotes.
            guard line[..<end].contains(UInt8(ascii: "\\")) else { return [] }
            stream = stream ?? LogRecord.stream(inEnd: line[(end + 1)...])
            return Self.unescaped(line[..<end])
        }
        guard let record = LogRecord(line: Array(line)), stream == nil || record.stream == stream else { return [] }
        return Self.printed(record.text)
    }

    /// Where the quote is that ends a JSON string.
    private static func stringEnd(in line: ArraySlice<UInt8>) -> Int? {
        var isEscaped = false
        return line.indices.first { index in
            defer { isEscaped = !isEscaped && line[index] == UInt8(ascii: "\\") }
            return line[index] == UInt8(ascii: "\"") && !isEscaped
        }
    }

    private static func unescaped(_ content: ArraySlice<UInt8>) -> [UInt8] {
        let quote = [UInt8(ascii: "\"")]
        guard let text = (try? JSONParser.parse(quote + content + quote))?.string else { return [] }
        return printed(Array(text.utf8))
    }

    /// The text without what a terminal obeys.
    private static func printed(_ text: [UInt8]) -> [UInt8] {
        var filter = TerminalFilter()
        return text.compactMap { if case .text(let byte) = filter.take($0) { byte } else { nil } }
    }
}
