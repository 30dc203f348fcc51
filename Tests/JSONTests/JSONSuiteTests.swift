import JSON
import Primitives
import TestVectors
import Testing

/// JSONTestSuite: y_ must be read, n_ must be refused, and of i_ it is for the reader to say.
@Suite struct JSONSuiteTests {
    static func vectors(_ kind: String) throws -> [JSONObject] {
        try TestVectors.suite("json-test-suite.json").filter { try $0.string("name").hasPrefix(kind) }
    }

    static func text(_ vector: JSONObject) throws -> [UInt8] {
        if vector["piece"] != nil {
            let piece = try Array(vector.string("piece").utf8)
            return try repeatElement(piece, count: vector.integer("times")).flatMap { $0 } + vector.string("rest").utf8
        }
        return try vector["hex"] == nil ? Array(vector.string("text").utf8) : vector.bytes("hex")
    }

    /// A name that stands twice is grammar, but RFC 8259 (section 4) calls what it means unpredictable. And the suite's
    /// first edition has texts in other encodings, which RFC 8259 (section 8.1) has since forbidden.
    static let refused = [
        "y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json", "y_string_utf16.json",
        "y_string_utf16be.json", "y_string_utf32.json", "y_string_utf32be.json",
    ]

    @Test(arguments: try vectors("y_"))
    func whatMustBeReadIsRead(_ vector: JSONObject) throws {
        let text = try Self.text(vector)
        if try Self.refused.contains(vector.string("name")) {
            #expect(throws: JSONError.self) { try JSONParser.parse(text) }
        } else {
            let value = try JSONParser.parse(text)
            #expect(try JSONParser.parse(value.compact) == value)
        }
    }

    @Test(arguments: try vectors("n_"))
    func whatMustBeRefusedIsRefused(_ vector: JSONObject) throws {
        let text = try Self.text(vector)
        #expect(throws: JSONError.self) { try JSONParser.parse(text) }
    }

    /// Numbers are kept as they are written, however long, and Unicode's noncharacters are characters: read. Lone
    /// surrogates, what is not UTF-8, a byte order mark, and 500 arrays inside each other: refused.
    @Test(arguments: try vectors("i_"))
    func numbersOfAnySizeAreReadAndDamagedTextIsNot(_ vector: JSONObject) throws {
        let (name, text) = (try vector.string("name"), try Self.text(vector))
        if name.hasPrefix("i_number_") {
            let literal = String(decoding: text, as: UTF8.self).trimmingPrefix("[").prefix { $0 != "]" }
            #expect(try JSONParser.parse(text) == .array([.number(String(literal))]))
        } else if name.hasSuffix("_nonchar.json") {
            #expect(try JSONParser.parse(text).array?.first?.string?.unicodeScalars.count == 1)
        } else {
            #expect(throws: JSONError.self) { try JSONParser.parse(text) }
        }
    }

    @Test(arguments: [("y_", 102), ("n_", 195), ("i_", 21)])
    func theSuiteIsWhole(_ kind: String, _ count: Int) throws { #expect(try Self.vectors(kind).count == count) }
}
