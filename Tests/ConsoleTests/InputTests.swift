import Console
import Failures
import Glibc
import JSON
import TestSupport
import Testing

private func open(_ path: String) throws(ConsoleError) -> Input {
    try Input(path: path, awaited: "things", diagnostics: Diagnostics(program: "test"))
}

@Suite struct InputTests {
    /// The objects of an input, as JSON.
    private func objects(_ text: String, limit: Int = 1000) throws -> [String] {
        try withTemporaryFile(text.utf8) { path in
            var objects: [String] = []
            try open(path).forEachObject(limit: limit, parse: { JSONValue.object($0).compact }) { objects.append($0) }
            return objects
        }
    }

    @Test(
        "objects are read from lines, from one in any layout, and from an array",
        arguments: [
            "{\"a\":1}\n{\"b\":2}\n", "{\"a\":1}\n\n  {\"b\":2}", "{\"a\":1}{\"b\":2}", "[{\"a\":1},{\"b\":2}]",
            " [\n {\n\"a\" : 1 }\n,\r\n{\"b\":2}\n]\n",
        ])
    func layouts(text: String) throws { #expect(try objects(text) == [#"{"a":1}"#, #"{"b":2}"#]) }

    @Test("an input without objects is an error", arguments: ["", "\n", " \t\r\n", "[]"])
    func empty(text: String) throws {
        try withTemporaryFile(text.utf8) { path throws in
            let error = #expect(throws: ConsoleError.empty(path: path, awaited: "things")) {
                try open(path).forEachObject(limit: 1000, parse: { $0 }) { _ in }
            }
            #expect(error?.description == "there are no things in \"\(path)\"")
        }
    }

    @Test(
        "a syntax error names its line",
        arguments: [
            ("{\"a\":1}\n7\n", .notAnObject(line: 2)), ("\n[{},\n1]", .notAnObject(line: 2)),
            ("{}\n{\"a\":1,\n\"a\":2}", .duplicateMember(line: 3, member: "a")), ("{}\n\n{", .truncated(line: 3)),
        ] as [(String, JSONError)])
    func faults(text: String, error: JSONError) throws { #expect(throws: error) { try objects(text) } }

    @Test func `no object is acted on before the whole block was parsed`() throws {
        struct Refused: Error {}
        try withTemporaryFile("{\"a\":1}\n{\"b\":2}\n".utf8) { path throws in
            var isActedOn = false
            #expect(throws: Refused.self) {
                try open(path).forEachObject(limit: 1000) { object in
                    guard object["b"] == nil else { throw Refused() }
                } _: {
                    isActedOn = true
                }
            }
            #expect(!isActedOn)
        }
    }

    @Test func `each object has a limit, and the whole input has none`() throws {
        let line = "{\"a\":\"\(String(repeating: "x", count: 80))\"}\n"
        #expect(try objects(String(repeating: line, count: 2000), limit: 100).count == 2000)
        let error = #expect(throws: JSONError.self) { try objects(line, limit: 50) }
        guard case .tooLarge(line: 1, limit: 50) = error else {
            Issue.record("not too large")
            return
        }
    }

    @Test func `an object that arrives in pieces is delivered as soon as it is complete`() throws {
        struct Enough: Error {}
        var count = 0
        try withPipe { pipe throws in
            // The writing end stays open: an input that waited for its end would never come back.
            let writer = Descriptor(number: pipe.writer)
            try writer.write(Array("{\"a\":1}\n{\"b\"".utf8))
            #expect(throws: Enough.self) {
                try open("/dev/fd/\(pipe.reader)").forEachObject(limit: 1000, parse: { $0 }) { _ in
                    count += 1
                    if count == 2 { throw Enough() }
                    try writer.write(Array(":2}".utf8))
                }
            }
        }
        #expect(count == 2)
    }

    @Test("an empty file is no text")
    func noBytes() throws {
        try withTemporaryFile([UInt8]()) { path throws in
            #expect(throws: ConsoleError.noBytes(path: path)) { try open(path).readText(limit: 10) }
        }
    }

    @Test("an input is read whole up to its limit", arguments: [1, 65_535, 65_536, 65_537, 200_000])
    func readText(count: Int) throws {
        try withTemporaryFile([UInt8](repeating: 7, count: count)) { path throws in
            #expect(try open(path).readText(limit: count).count == count)
            #expect(throws: ConsoleError.tooLong(path: path, limit: count - 1)) {
                try open(path).readText(limit: count - 1)
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4, 100])
    func `a byte order mark is no part of the text, however it comes`(pieceByteCount: Int) throws {
        for (text, expected) in [("\u{FEFF}{\"a\":1}", ["{\"a\":1}"]), ("{}", ["{}"]), ("\u{FEFF}{}", ["{}"])] {
            try withPipe { pipe throws in
                let writer = Descriptor(number: pipe.writer)
                var objects: [String] = []
                let bytes = Array(text.utf8)
                let reader = try ObjectReader(open("/dev/fd/\(pipe.reader)"), limit: 100) {
                    JSONValue.object($0).compact
                }
                for start in stride(from: 0, to: bytes.count, by: pieceByteCount) {
                    try writer.write(Array(bytes[start..<min(start + pieceByteCount, bytes.count)]))
                    objects += try #require(try reader.read())
                }
                pipe.closeWriter()
                while let more = try reader.read() { objects += more }
                #expect(objects == expected)
            }
        }
        try withTemporaryFile("\u{FEFF}0x12".utf8) { path throws in
            #expect(try open(path).readText(limit: 100) == Array("0x12".utf8))
        }
    }

    @Test func `a text in UTF-16 is named, and what to do about it`() throws {
        try withTemporaryFile([0x7B, 0, 0x7D, 0]) { path throws in
            let error = #expect(throws: ConsoleError.utf16(path: path)) { try open(path).readText(limit: 100) }
            #expect(error?.description == "\"\(path)\" is UTF-16, and UTF-8 is needed")
            #expect(throws: ConsoleError.utf16(path: path)) {
                try open(path).forEachObject(limit: 100, parse: { $0 }) { _ in }
            }
        }
    }

    @Test func `an error names the path of a missing file and of a directory`() throws {
        let missing = #expect(throws: ConsoleError.cannotOpen(path: "/nonexistent", errno: ENOENT)) {
            _ = try open("/nonexistent")
        }
        #expect(missing?.description == "cannot open \"/nonexistent\": no such file or directory")
        let folder = #expect(throws: ConsoleError.cannotRead(path: "/tmp", errno: EISDIR)) {
            _ = try open("/tmp").readText(limit: 10)
        }
        #expect(folder?.description == "cannot read \"/tmp\": is a directory")
    }

    @Test("standard input is named as such", arguments: [nil, "-"] as [String?])
    func standardInput(path: String?) throws {
        let input = try Input(path: path, awaited: "things", diagnostics: Diagnostics(program: "test"))
        let name = input.path
        let number = input.descriptor.number
        #expect(name == "standard input")
        #expect(number == STDIN_FILENO)
    }

    @Test func `control characters in names are escaped in messages`() {
        let error = ConsoleError.cannotOpen(path: "a\n\u{1B}[2J", errno: ENOENT)
        #expect(error.description == "cannot open \"a\\u{a}\\u{1b}[2J\": no such file or directory")
        #expect(error.kind == .badInput)
    }
}
