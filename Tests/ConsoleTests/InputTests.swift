import Console
import Failures
import FoundationEssentials
import Glibc
import JSON
import Testing

/// Runs `body` with the path of a file that holds a text.
private func withFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
    let path = "\(FileManager.default.temporaryDirectory.path)/input-\(UInt64.random(in: 0...UInt64.max))"
    try Data(text.utf8).write(to: URL(filePath: path))
    defer { unsafe unlink(path) }
    return try body(path)
}

private func open(_ path: String) throws(ConsoleError) -> Input {
    try Input(path: path, awaited: "things", diagnostics: Diagnostics(program: "test"))
}

@Suite struct InputTests {
    /// The objects of an input, as JSON.
    private func objects(_ text: String, limit: Int = 1000) throws -> [String] {
        try withFile(text) { path in
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

    @Test("an input without an object says so", arguments: ["", "\n", " \t\r\n", "[]"])
    func empty(text: String) throws {
        try withFile(text) { path throws in
            let error = #expect(throws: ConsoleError.empty(path: path, awaited: "things")) {
                try open(path).forEachObject(limit: 1000, parse: { $0 }) { _ in }
            }
            #expect(error?.description == "there are no things in \"\(path)\"")
        }
    }

    @Test(
        "a fault names its line",
        arguments: [
            ("{\"a\":1}\n7\n", .notAnObject(line: 2)), ("\n[{},\n1]", .notAnObject(line: 2)),
            ("{}\n{\"a\":1,\n\"a\":2}", .duplicateMember(line: 3, member: "a")), ("{}\n\n{", .truncated(line: 3)),
        ] as [(String, JSONError)])
    func faults(text: String, error: JSONError) throws { #expect(throws: error) { try objects(text) } }

    @Test func `nothing is acted on before what came with it was parsed`() throws {
        struct Refused: Error {}
        try withFile("{\"a\":1}\n{\"b\":2}\n") { path throws in
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

    @Test func `an object has a limit, and the input none`() throws {
        let line = "{\"a\":\"\(String(repeating: "x", count: 80))\"}\n"
        #expect(try objects(String(repeating: line, count: 2000), limit: 100).count == 2000)
        let error = #expect(throws: JSONError.self) { try objects(line, limit: 50) }
        guard case .tooLarge(line: 1, limit: 50) = error else {
            Issue.record("not too large")
            return
        }
    }

    @Test func `an object that comes in pieces is given as soon as it is whole`() throws {
        struct Enough: Error {}
        var ends: [Int32] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        // The writing end stays open: an input that waited for its end would never come back.
        let writer = Descriptor(number: ends[1])
        try writer.write(Array("{\"a\":1}\n{\"b\"".utf8))
        var count = 0
        #expect(throws: Enough.self) {
            try open("/dev/fd/\(ends[0])").forEachObject(limit: 1000, parse: { $0 }) { _ in
                count += 1
                if count == 2 { throw Enough() }
                try writer.write(Array(":2}".utf8))
            }
        }
        #expect(count == 2)
    }

    @Test("all of it is read up to the limit", arguments: [0, 1, 65_535, 65_536, 65_537, 200_000])
    func readAll(count: Int) throws {
        try withFile(String(repeating: "x", count: count)) { path throws in
            #expect(try open(path).readAll(limit: count).count == count)
            if count > 0 {
                #expect(throws: ConsoleError.tooLong(path: path, limit: count - 1)) {
                    try open(path).readAll(limit: count - 1)
                }
            }
        }
    }

    @Test func `a file that is missing and one that is none are told by name`() throws {
        let missing = #expect(throws: ConsoleError.cannotOpen(path: "/nonexistent", errno: ENOENT)) {
            _ = try open("/nonexistent")
        }
        #expect(missing?.description == "cannot open \"/nonexistent\": no such file or directory")
        let folder = #expect(throws: ConsoleError.cannotRead(path: "/tmp", errno: EISDIR)) {
            _ = try open("/tmp").readAll(limit: 10)
        }
        #expect(folder?.description == "cannot read \"/tmp\": is a directory")
    }

    @Test("standard input has a name of its own", arguments: [nil, "-"] as [String?])
    func standardInput(path: String?) throws {
        let input = try Input(path: path, awaited: "things", diagnostics: Diagnostics(program: "test"))
        let name = input.path
        let number = input.descriptor.number
        #expect(name == "standard input")
        #expect(number == STDIN_FILENO)
    }

    @Test func `names in messages cannot drive a terminal`() {
        let error = ConsoleError.cannotOpen(path: "a\n\u{1B}[2J", errno: ENOENT)
        #expect(error.description == "cannot open \"a\\u{a}\\u{1b}[2J\": no such file or directory")
        #expect(error.kind == .badInput)
    }
}
