import ABI
import Testing

@Suite struct TypeTests {
    @Test(
        "a type's canonical text has no aliases, names or spaces",
        arguments: [
            ("uint", "uint256"), ("int", "int256"), ("uint8", "uint8"), ("int248", "int248"), ("bytes1", "bytes1"),
            ("bytes32", "bytes32"), ("bytes", "bytes"), ("string", "string"), ("bool", "bool"),
            ("address", "address"), ("address payable", "address"), ("function", "function"),
            ("uint[]", "uint256[]"), ("uint[3][]", "uint256[3][]"), ("string[0]", "string[0]"),
            ("(uint256 amount, address to)[]", "(uint256,address)[]"), ("tuple(bool)[2]", "(bool)[2]"),
            ("tuple()", "()"), ("( uint , (int8 a)[ 4 ] b )", "(uint256,(int8)[4])"),
            ("(address payable to, bytes memory data)", "(address,bytes)"),
            ("uint256[4294967295]", "uint256[4294967295]"),
        ])
    func canonical(text: String, expected: String) throws {
        #expect(try ABIType(text).description == expected)
        #expect(try ABIType(expected).description == expected)
    }

    @Test func everyWidthIsAType() throws {
        for bytes in 1...32 {
            for text in ["uint\(bytes * 8)", "int\(bytes * 8)", "bytes\(bytes)"] {
                #expect(try ABIType(text).description == text)
            }
        }
    }

    @Test(
        "no other width is a type",
        arguments: [
            "uint0", "uint7", "uint264", "uint08", "int256a", "int1", "bytes0", "bytes33", "bytes032", "bytes999",
            "byte", "Address", "uint_8", "IERC20", "string8", "bool1", "uint99999999999999999999",
        ])
    func unknown(text: String) {
        #expect(throws: ABIError.unknownType(text)) { try ABIType(text) }
    }

    @Test("fixed-point types are refused by name", arguments: ["fixed", "ufixed", "fixed128x18", "ufixed8x1"])
    func fixedPoint(text: String) {
        #expect(throws: ABIError.fixedPointType(text)) { try ABIType(text) }
        #expect(throws: ABIError.fixedPointType(text)) { try ABIType("(uint256,\(text)[])") }
    }

    @Test(
        "what is wrong is told with its position",
        arguments: [
            ("", 0), (" ", 1), ("(", 1), ("uint[", 5), ("uint[-1]", 5), ("uint]", 4), ("(uint", 5), ("(uint,)", 6),
            ("(,uint)", 1), ("uint uint", 5), ("tuple", 5), ("uint[4294967296]", 5), ("uint[01]", 5), ("(uint a b)", 8),
            ("uint\u{0}", 4), ("ü", 0), ("uint[18446744073709551616]", 5), ("(uint indexed a)", 14),
        ])
    func syntax(text: String, offset: Int) {
        let error = #expect(throws: ABIError.self) { try ABIType(text) }
        guard case .syntax(text, offset, _)? = error else {
            Issue.record("\(text): \(String(describing: error))")
            return
        }
    }

    @Test("types nest up to the limit and no further")
    func depth() throws {
        let brackets = { (count: Int) in "bool" + String(repeating: "[]", count: count) }
        let parentheses = { (count: Int) in
            String(repeating: "(", count: count) + "bool" + String(repeating: ")", count: count)
        }
        for text in [brackets, parentheses] {
            #expect(try ABIType(text(ABIType.depthLimit)).depth == ABIType.depthLimit)
            for count in [ABIType.depthLimit + 1, 100_000] {
                #expect(throws: ABIError.typeTooDeep(limit: ABIType.depthLimit)) { try ABIType(text(count)) }
            }
        }
        #expect(throws: ABIError.typeTooDeep(limit: ABIType.depthLimit)) { try ABIType("(\(parentheses(15)))[]") }
        #expect(throws: ABIError.self) { try ABIType(String(repeating: "(", count: 100_000)) }
    }

    @Test(
        "a type is dynamic if anything in it is, and then takes an offset among the heads",
        arguments: [
            ("uint8", false, 32), ("bytes32", false, 32), ("bytes", true, 32), ("string", true, 32),
            ("uint8[]", true, 32), ("uint8[0]", false, 0), ("string[0]", true, 32), ("uint8[3]", false, 96),
            ("uint8[3][2]", false, 192), ("bytes[3]", true, 32), ("(uint8,bool)", false, 64), ("()", false, 0),
            ("(uint8,(bytes))", true, 32), ("(uint8[2],bool)[5]", false, 480), ("()[1000000000][1000000000]", false, 0),
        ])
    func layout(text: String, isDynamic: Bool, headSize: Int) throws {
        let type = try ABIType(text)
        #expect(type.isDynamic == isDynamic)
        #expect(type.headSize == headSize)
    }

    @Test("a type beyond any memory has no head size and is refused, not built")
    func tooLarge() throws {
        let type = try ABIType("uint256[1000000000][1000000000]")
        #expect(type.headSize == nil)
        #expect(throws: ABIError.typeTooLarge(place: "data", type: "(\(type))")) { try ABI.decode([], as: [type]) }
        #expect(throws: ABIError.typeTooLarge(place: "args", type: "(\(type))")) {
            try ABI.encode([.array([])], as: [type])
        }
        let array = try ABIType("uint256[1000000000][1000000000][]")
        let data = try bytes(word(0x20) + word(1))
        #expect(throws: ABIError.typeTooLarge(place: "data[0]", type: "\(array)")) {
            try ABI.decode(data, as: [array])
        }
        #expect(
            throws: ABIError.truncated(
                place: "data", type: "(uint256[1000000000])", needed: 32_000_000_000, available: 0)
        ) {
            try ABI.decode([], as: [ABIType("uint256[1000000000]")])
        }
    }

    @Test("memory is taken for the values that there are, not for those that the type speaks of")
    func sparse() throws {
        let type = try ABIType("uint256[4000000000][2]")
        #expect(
            throws: ABIError.wrongCount(
                place: "args[0][0]", type: "uint256[4000000000]", expected: 4_000_000_000, actual: 0)
        ) { try ABI.encode([.array([.array([]), .array([])])], as: [type]) }
    }

    @Test("components keep their names")
    func names() throws {
        guard case .array(.tuple(let components)) = try ABIType("(uint256 amount, address, bytes32 $_9)[]") else {
            Issue.record("not a tuple")
            return
        }
        #expect(components.map(\.name) == ["amount", nil, "$_9"])
    }
}
