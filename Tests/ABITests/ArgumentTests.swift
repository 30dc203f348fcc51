import ABI
import JSON
import Primitives
import TestVectors
import Testing

@Suite struct ArgumentTests {
    static let maximum = UInt256.max.description
    /// 2^255.
    static let half = "57896044618658097711785492504343953926634992332820282019728792003956564819968"

    @Test(
        "integers are decimal, hex or amounts with a unit",
        arguments: [
            ("0", "0"), ("69", "69"), ("0x0", "0"), ("0xfF", "255"),
            ("0x" + String(repeating: "0", count: 99) + "1", "1"),
            (maximum, maximum), ("0x" + String(repeating: "f", count: 64), maximum), ("10wei", "10"),
            ("1ether", "1000000000000000000"), ("1 ether", "1000000000000000000"), ("1.5 gwei", "1500000000"),
            ("0.1ether", "100000000000000000"), ("0.000000000000000001ether", "1"),
            ("1.50000000000000000000gwei", "1500000000"),
            ("0.0wei", "0"), ("0ether", "0"), ("-0", "0"),
            ("1_000_000", "1000000"), ("1_0.5_0gwei", "10500000000"), ("0xff_ff", "65535"),
        ])
    func integers(text: String, value: String) throws {
        #expect(
            try ABIValue(argument: text, as: ABIType("uint256"))
                == UInt256(digits: value.utf8.span, radix: 10).map(ABIValue.uint))
    }

    @Test(
        "signed integers have a minus in front",
        arguments: [("-1", -1), ("-128", -128), ("127", 127), ("-0x80", -128), ("-5wei", -5)] as [(String, Int256)])
    func signed(text: String, value: Int256) throws {
        #expect(try ABIValue(argument: text, as: ABIType("int8")) == .int(value))
    }

    @Test(
        "what is no whole number is refused",
        arguments: [
            "", " ", "-", "--1", "+1", "1,000", "1.", ".5ether", "1.5", "1.0", "1e18", "0x", "0x-1", "0xg",
            "-0x",
            "010", "00", "1 wei ", " 1", "1finney", "1Ether", "1ether1", "0x1ether", "ether", "١", "1\u{301}", "0X1",
            "1.5.5ether", "true", "nan", "_1", "1_", "1__0", "_", "0_0", "0x_1", "0_x1", "0x1_", "1_ether", "1ether_",
            "1_.5ether",
            "1._5ether", "-_1",
        ])
    func malformed(text: String) throws {
        let error = ABIError.notAValue(
            place: "argument", type: "uint256", text: text, expected: "a whole number, decimal or 0x-hex")
        #expect(throws: error) { try ABIValue(argument: text, as: ABIType("uint256")) }
    }

    @Test("a fraction of a wei is refused", arguments: ["0.5wei", "1.0000000001gwei", "0.0000000000000000001ether"])
    func fractions(text: String) throws {
        let error = ABIError.notAValue(
            place: "argument", type: "uint256", text: text, expected: "no fraction of a wei")
        #expect(throws: error) { try ABIValue(argument: text, as: ABIType("uint256")) }
    }

    @Test(
        "a number that the type cannot hold is refused",
        arguments: [
            ("uint8", "256"), ("uint8", "-1"), ("uint8", "1gwei"), ("int8", "128"), ("int8", "-129"), ("int8", "0xff"),
            ("uint256", maximum + "0"), ("uint256", "0x1" + String(repeating: "0", count: 64)),
            ("uint256", String(repeating: "9", count: 1_000_000)), ("uint256", String(repeating: "9", count: 78)),
            ("uint256", "0x" + String(repeating: "f", count: 1_000_000)),
            ("int256", half), ("int256", "-\(half.dropLast())9"), ("int256", "-" + maximum),
        ] as [(String, String)])
    func outOfRange(type: String, text: String) throws {
        #expect(throws: ABIError.outOfRange(place: "argument", type: type)) {
            try ABIValue(argument: text, as: ABIType(type))
        }
    }

    @Test("signed words are Python's numbers", arguments: try TestVectors.load("uint256.json", member: "numbers"))
    func signedWords(_ vector: JSONObject) throws {
        let number = try Int256(word: UInt256(quantity: vector.string("quantity")))
        #expect(try number.description == vector.string("signed"))
        #expect(try ABIValue(argument: number.description, as: ABIType("int256")) == .int(number))
    }

    static let root = "0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51"

    @Test("words of a command line become values")
    func words() throws {
        #expect(try ABIValue(argument: "true", as: .bool) == .bool(true))
        #expect(try ABIValue(argument: "false", as: .bool) == .bool(false))
        let address = try Address(Self.root)
        for text in [Self.root, Self.root.lowercased()] {
            #expect(try ABIValue(argument: text, as: .address) == .address(address))
        }
        #expect(try ABIValue(argument: "0x", as: .bytes) == .bytes([]))
        #expect(try ABIValue(argument: "0xABcd", as: .bytes) == .bytes([0xab, 0xcd]))
        #expect(try ABIValue(argument: "0x01020304", as: ABIType("bytes4")) == .fixedBytes([1, 2, 3, 4]))
        let function = "0x" + String(repeating: "11", count: 24)
        #expect(try ABIValue(argument: function, as: .function) == .fixedBytes([UInt8](repeating: 0x11, count: 24)))
        for text in ["", " raw ", "\"quoted\"", "[a]", "0x12", "é"] {
            #expect(try ABIValue(argument: text, as: .string) == .string(text))
        }
    }

    @Test(
        "a word that is no value of its type is refused",
        arguments: [
            ("bool", "1"), ("bool", "True"), ("bool", ""), ("address", String(root.dropLast(4)) + "cE51"),
            ("address", String(root.dropFirst(2))), ("address", String(root.dropLast())),
            ("address", root + "00"),
            ("address", ""), ("address", "vitalik.eth"), ("bytes", ""), ("bytes", "00"), ("bytes", "0x0"),
            ("bytes", "0x0g"), ("bytes4", "0x010203"), ("bytes4", "0x0102030405"), ("bytes4", "0x"), ("bytes4", "abcd"),
            ("function", "0x00"), ("bool[]", "true"), ("(bool)", "true"), ("(bool)", "[true]"), ("bool[]", "(true)"),
        ] as [(String, String)])
    func badWords(type: String, text: String) throws {
        let error = #expect(throws: ABIError.self) { try ABIValue(argument: text, as: ABIType(type)) }
        guard case .notAValue("argument", type, text, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(
        "arrays and tuples nest",
        arguments: [
            ("uint8[]", "[]", .array([])), ("uint8[]", " [ 1 , 2 ] ", .array([.uint(1), .uint(2)])),
            ("uint8[][2]", "[[1],[]]", .array([.array([.uint(1)]), .array([])])),
            ("()", "()", .tuple([])), ("()[]", "[(),()]", .array([.tuple([]), .tuple([])])),
            ("(uint256,string)", #"(1 ether,"a")"#, .tuple([.uint(1_000_000_000_000_000_000), .string("a")])),
            (
                "(string,bytes)[]", #"[("a, \"b\") ]\\",0x01),("\u00e9\n", "0x02")]"#,
                .array([
                    .tuple([.string(#"a, "b") ]\"#), .bytes([1])]), .tuple([.string("é\n"), .bytes([2])]),
                ])
            ),
            ("string[]", #"["", "[", ""]"#, .array([.string(""), .string("["), .string("")])),
            ("bool[2]", #"["true",false]"#, .array([.bool(true), .bool(false)])),
        ] as [(String, String, ABIValue)])
    func nesting(type: String, text: String, value: ABIValue) throws {
        #expect(try ABIValue(argument: text, as: ABIType(type)) == value)
    }

    @Test(
        "a list that is not well formed is refused",
        arguments: [
            ("uint8[]", ""), ("uint8[]", "["), ("uint8[]", "[1"), ("uint8[]", "[1,"), ("uint8[]", "[1,]"),
            ("uint8[]", "[,1]"), ("uint8[]", "[1 2]"), ("uint8[]", "[1]]"), ("uint8[]", "[1)"), ("uint8[]", "1,2"),
            ("uint8[]", "[1] x"), ("uint8[]", "[[1]]"), ("uint8[2]", "[1,2,3]"), ("uint8[0]", "[1]"),
            ("(bool)", "(true,true)"), ("string[]", "[a]"), ("string[]", #"["a]"#), ("string[]", #"["a\"]"#),
            ("string[]", #"["\q"]"#), ("string[]", "[\"\n\"]"), ("string[]", #"["a"b]"#), ("string[]", "[,]"),
            ("string[]", #"["\ud800"]"#), ("uint8[][]", String(repeating: "[", count: 100_000)), ("()", "(1)"),
        ])
    func badLists(type: String, text: String) throws {
        let error = #expect(throws: ABIError.self) { try ABIValue(argument: text, as: ABIType(type)) }
        switch error {
        case .notAValue: break
        default: Issue.record("\(String(describing: error))")
        }
    }

    @Test("too few elements are refused, with the place")
    func counts() throws {
        #expect(throws: ABIError.wrongCount(place: "argument", type: "uint8[2]", expected: 2, actual: 1)) {
            try ABIValue(argument: "[1]", as: ABIType("uint8[2]"))
        }
        #expect(throws: ABIError.wrongCount(place: "argument[1].b", type: "(bool,bool)", expected: 2, actual: 0)) {
            try ABIValue(argument: "[(true,(true,true)),(true,())]", as: ABIType("(bool a,(bool,bool) b)[]"))
        }
    }

    @Test("every truncation of a list is refused")
    func truncations() throws {
        let type = try ABIType("(uint8 a,bytes b,(string,int16[2])[] c)")
        let text = #"(7,0x0102,[("o\"ne",[-1,2]),("two",[3,-4])])"#
        _ = try ABIValue(argument: text, as: type)
        for count in 0..<text.count {
            #expect(throws: ABIError.self, "\(count)") { try ABIValue(argument: String(text.prefix(count)), as: type) }
        }
    }

    @Test("arguments are counted, and an error names the one that it is about")
    func lists() throws {
        let inputs = try ABIFunction("f(bool, (uint8 amount, address to)[] list)").inputs
        #expect(
            throws: ABIError.wrongCount(place: "arguments", type: "(bool,(uint8,address)[])", expected: 2, actual: 1)
        ) { try inputs.values(arguments: ["true"]) }
        #expect(throws: ABIError.outOfRange(place: "argument 2 (list[0].amount)", type: "uint8")) {
            try inputs.values(arguments: ["true", "[(256,\(Self.root))]"])
        }
    }

    @Test("an argument without a name is told by its number alone")
    func unnamed() throws {
        let inputs = try ABIFunction("f(bool, uint8[])").inputs
        #expect(throws: ABIError.outOfRange(place: "argument 2[1]", type: "uint8")) {
            try inputs.values(arguments: ["true", "[1,256]"])
        }
    }

    @Test("arguments by name may come in any order")
    func named() throws {
        let inputs = try ABIFunction("f(bool ok, uint8 count)").inputs
        #expect(try inputs.values(named: [("count", "7"), ("ok", "true")]) == [.bool(true), .uint(7)])
        #expect(try [ABIParameter]().values(named: []) == [])
    }

    @Test(
        "arguments by name are refused unless each stands once",
        arguments: [
            (["ok=true"], .missingComponent(place: "arguments", type: "(bool,uint8)", name: "count")),
            (["ok=true", "ok=true", "count=1"], .repeatedArgument(name: "ok")),
            (["ok=true", "counts=1"], .unknownItem(item: "argument", name: "counts", known: ["ok", "count"])),
            (
                ["ok=true", "count=1", "other=1"],
                .unknownItem(item: "argument", name: "other", known: ["ok", "count"])
            ),
            (["ok=true", "count=256"], .outOfRange(place: "argument 2 (count)", type: "uint8")),
        ] as [([String], ABIError)])
    func misnamed(words: [String], error: ABIError) throws {
        let inputs = try ABIFunction("f(bool ok, uint8 count)").inputs
        let named = words.map { $0.split(separator: "=").map(String.init) }.map { (name: $0[0], word: $0[1]) }
        #expect(throws: error) { try inputs.values(named: named) }
    }

    @Test(
        "only parameters with names of their own can be named",
        arguments: ["f(bool)", "f(bool a,bool)", "f(bool a,bool a)"])
    func unnameable(signature: String) throws {
        let inputs = try ABIFunction(signature).inputs
        #expect(throws: ABIError.withoutNames(type: inputs.canonicalTypes)) {
            try inputs.values(named: [("a", "true")])
        }
    }
}
