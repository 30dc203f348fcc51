import JSON
import Testing

@Suite struct JSONParserTests {
    @Test(arguments: [
        "null", "true", "false", "0", "-0", "12", "-1.5e+10", "1E400", "\"\"", "\"a\\u00e9\\ud83c\\udf0d\\n\"", "[]",
        "{}",
        " [1 , [2], {\"a\" : null}]\n", "{\"\":\"\"}",
    ])
    func whatItWritesItReadsAgain(_ text: String) throws {
        let value = try JSONParser.parse(text)
        #expect(try JSONParser.parse(value.compact) == value)
    }

    @Test(arguments: [
        "", " ", "nul", "truex", "01", "1.", ".5", "+1", "1e", "-", "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"",
        "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\u{01}\"", "\"\n\"", "[", "[1", "[1,]", "[,1]", "{", "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}", "{a:1}", "{'a':1}", "[1] 2", "\u{FEFF}1", "NaN", "{\"a\":1 \"b\":2}", "[1 2]", "/**/1",
    ])
    func whatIsNotJSONIsRefused(_ text: String) {
        #expect(throws: JSONError.self) { try JSONParser.parse(text) }
    }

    @Test(
        arguments: [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xC3, 0x22],
        ] as [[UInt8]])
    func invalidUTF8IsRefused(_ bytes: [UInt8]) {
        #expect(throws: JSONError.syntax(line: 1, expected: "UTF-8 in a string")) { try JSONParser.parse(bytes) }
    }

    @Test func aNameThatStandsTwiceIsNamedWithItsLine() {
        #expect(throws: JSONError.duplicateMember(line: 3, member: "b.a")) {
            try JSONParser.parse("{\"b\":\n{\"a\":1,\n\"a\":2}}")
        }
    }

    @Test func nestingHasALimit() {
        let deep = JSONParser.depthLimit + 1
        #expect(throws: JSONError.tooDeep(line: 1, limit: JSONParser.depthLimit)) {
            try JSONParser.parse(String(repeating: "[", count: 100_000))
        }
        #expect(throws: JSONError.self) {
            try JSONParser.parse(String(repeating: "[", count: deep) + String(repeating: "]", count: deep))
        }
    }

    @Test(arguments: ["[%]", "[[%]]", "{\"a\":[%]}"])
    func theNumberOfValuesHasALimit(text: String) throws {
        let around = text.count { $0 == "[" || $0 == "{" }
        let zeros = { count in String(repeating: "0,", count: count - 1) + "0" }
        let parse = { count in try JSONParser.parse(text.split(separator: "%").joined(separator: zeros(count))) }
        _ = try parse(JSONParser.valueLimit - around)
        #expect(throws: JSONError.tooManyValues(line: 1, limit: JSONParser.valueLimit)) {
            try parse(JSONParser.valueLimit - around + 1)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func aLongNameTakesItsMemoryOnce() throws {
        let name = String(repeating: "a", count: 200_000)
        let text = "{\"\(name)\":[" + String(repeating: "{},", count: 20_000) + "{}]}"
        let object = try #require(JSONParser.parse(text).object)
        let last = try #require(object.array(name).last?.object)
        #expect(last.path == "\(name).20000.")
    }

    @Test func typedMembersNameWhatIsWrong() throws {
        let object = try #require(JSONParser.parse("{\n\"a\":{\"n\":1}}").object)
        #expect(throws: JSONError.missingMember(line: 1, member: "b")) { try object.string("b") }
        #expect(throws: JSONError.illTyped(line: 2, member: "a.n", expected: "a string")) {
            try object.object("a").string("n")
        }
    }

    @Test func controlCharactersAreWrittenAsEscapes() {
        #expect(JSONValue.string("\u{1B}[0m\u{9B}\u{7F}\"\\").compact == #""\u001b[0m\u009b\u007f\"\\""#)
    }
}
