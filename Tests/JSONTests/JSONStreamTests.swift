import JSON
import Testing

@Suite struct JSONStreamTests {
    static func values(_ text: String, chunk: Int, limit: Int = 1000) throws -> [String] {
        var stream = JSONStream(limit: limit)
        let bytes = Array(text.utf8)
        var values: [String] = []
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            values += try stream.feed(bytes[start..<min(start + chunk, bytes.count)]).map(\.value.compact)
        }
        return try values + stream.finish().map(\.value.compact)
    }

    @Test(
        "lines, bare sequences and one array are the same values in any chunks",
        arguments: [
            "{\"a\":\"]}\\\"\"}\n{\"b\":[1]}\n", "[{\"a\":\"]}\\\"\"},{\"b\":[1]}]", "{\"a\":\"]}\\\"\"}{\"b\":[1]}",
            " [ {\"a\":\n\"]}\\\"\"} ,\r\n {\"b\":[1]}\n]\n",
        ])
    func layouts(_ text: String) throws {
        for chunk in 1...text.utf8.count {
            #expect(try Self.values(text, chunk: chunk) == ["{\"a\":\"]}\\\"\"}", "{\"b\":[1]}"], "chunks of \(chunk)")
        }
    }

    @Test func bareValuesEndAtWhiteSpace() throws {
        #expect(try Self.values("1 null\n\"x\"", chunk: 1) == ["1", "null", "\"x\""])
        #expect(try Self.values("", chunk: 1) == [])
        #expect(try Self.values("[]", chunk: 1) == [])
    }

    @Test(arguments: [
        "{", "[", "[{}", "[{},", "[{},]", "[,{}]", "{},{}", "[{}] {}", "[{} {}]", "}", "{\"a\"", "{]", "\"x",
    ])
    func faultyStreamsAreRefused(_ text: String) {
        #expect(throws: JSONError.self) { try Self.values(text, chunk: 3) }
    }

    @Test func valuesBeforeAFaultInTheSameBytesAreNotGiven() throws {
        var stream = JSONStream(limit: 100)
        #expect(throws: JSONError.syntax(line: 2, expected: "a member name")) {
            try stream.feed(Array("{\"a\":1}\n{oops}\n".utf8))
        }
    }

    @Test func elementsAreGivenWhenTheirArrayHasEnded() throws {
        var stream = JSONStream(limit: 100)
        #expect(try stream.feed(Array("[{\"a\":1},{".utf8)).isEmpty)
        #expect(try stream.feed(Array("}]".utf8)).count == 2)
    }

    @Test func aValueHasALimitAndAStreamHasNone() throws {
        #expect(throws: JSONError.tooLarge(line: 2, limit: 10)) {
            try Self.values("{}\n[\"0123456789\"]", chunk: 4, limit: 10)
        }
        #expect(try Self.values(String(repeating: "{}\n", count: 100), chunk: 7, limit: 10).count == 100)
    }
}
