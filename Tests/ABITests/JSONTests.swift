import ABI
import JSON
import Primitives
import Testing

@Suite struct JSONTests {
    @Test(
        "JSON becomes values",
        arguments: [
            ("uint256", "0", .uint(0)), ("uint256", "69", .uint(69)), ("uint256", #""0x45""#, .uint(69)),
            ("uint256", #""1 gwei""#, .uint(1_000_000_000)), ("int8", "-128", .int(-128)), ("int8", #""-1""#, .int(-1)),
            ("bool", "true", .bool(true)), ("bytes", #""0x01""#, .bytes([1])), ("string", #""[]""#, .string("[]")),
            ("bytes2", #""0x0102""#, .fixedBytes([1, 2])), ("uint8[]", "[1,\"2\"]", .array([.uint(1), .uint(2)])),
            ("uint8[1]", "[1]", .array([.uint(1)])),
            ("(bool,string)", #"[true,""]"#, .tuple([.bool(true), .string("")])),
            (
                "(bool a,string b)", #"{"b":"x","other":[],"a":false}"#, .tuple([.bool(false), .string("x")])
            ),
        ] as [(String, String, ABIValue)])
    func values(type: String, text: String, value: ABIValue) throws {
        #expect(try ABIValue(json: JSONParser.parse(text), as: ABIType(type)) == value)
    }

    @Test(
        "JSON of another kind is refused",
        arguments: [
            ("uint256", "1.0"), ("uint256", "1e3"), ("uint256", "1.5"), ("uint256", "true"), ("uint256", "null"),
            ("uint256", "[]"), ("uint256", #""1.5""#), ("bool", #""true""#), ("bool", "1"), ("bytes", "1"),
            ("bytes", "[1]"), ("address", "0"), ("string", "1"), ("string", "null"), ("uint8[]", #""[1]""#),
            ("uint8[]", "{}"), ("uint8[]", "1"), ("(bool a)", "true"), ("(bool a,bool)", #"{"a":true}"#),
            ("(bool a,bool a)", #"{"a":true}"#), ("bytes2", #""0x01""#), ("bool", "null"),
        ])
    func refused(type: String, text: String) throws {
        let json = try JSONParser.parse(text)
        let error = #expect(throws: ABIError.self) { try ABIValue(json: json, as: ABIType(type)) }
        guard case .notAValue("value", _, _, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("counts, ranges and missing members are told with their place")
    func places() throws {
        let inputs = try ABIFunction("f(bool, (uint8 amount, address to)[] list)").inputs
        func error(_ text: String) -> ABIError? {
            #expect(throws: ABIError.self) { try inputs.values(json: JSONParser.parse(text)) }
        }
        #expect(error("[true]") == .wrongCount(place: "arguments", type: inputs.canonicalTypes, expected: 2, actual: 1))
        #expect(
            error(#"[true,[{"amount":1}]]"#)
                == .missingComponent(place: "argument 2 (list[0])", type: "(uint8,address)", name: "to"))
        #expect(
            error(#"[true,[{"amount":256,"to":""}]]"#)
                == .outOfRange(place: "argument 2 (list[0].amount)", type: "uint8"))
        #expect(
            error("[true,[[1]]]")
                == .wrongCount(place: "argument 2 (list[0])", type: "(uint8,address)", expected: 2, actual: 1))
        #expect(error("1") != nil)
        #expect(error("{}") != nil, "not all parameters have names")
        #expect(
            throws: ABIError.missingComponent(place: "arguments", type: "(bool)", name: "ok")
        ) { try [ABIParameter(.bool, name: "ok")].values(json: JSONParser.parse("{}")) }
        #expect(
            try [ABIParameter(.bool, name: "ok")].values(json: JSONParser.parse(#"{"ok":true}"#)) == [.bool(true)])
    }

    @Test(
        "values are written as JSON by the house's rules",
        arguments: [
            ("uint256", "255", #""0xff""#), ("uint256", "0", #""0x0""#), ("int256", "-255", #""-255""#),
            ("int8", "7", #""7""#), ("bool", "true", "true"), ("bytes2", "0xABcd", #""0xabcd""#),
            ("bytes", "0x", #""0x""#), ("string", "a\"b", #""a\"b""#),
            (
                "address", "0x52d3cf51c8a37a2ccfc79bbb98c7810d7dd4ce51",
                #""0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51""#
            ),
            ("uint8[]", "[1,2]", #"["0x1","0x2"]"#), ("(uint8,bool)", "(1,true)", #"["0x1",true]"#),
            ("(uint8 a,bool b)[]", "[(1,true)]", #"[{"a":"0x1","b":true}]"#),
            ("(uint8 a,bool)", "(1,true)", #"["0x1",true]"#), ("(uint8 a,bool a)", "(1,true)", #"["0x1",true]"#),
            ("()", "()", "{}"),
        ])
    func written(type: String, argument: String, json: String) throws {
        let type = try ABIType(type)
        let value = try ABIValue(argument: argument, as: type)
        #expect(value.json(as: type).compact == json)
        #expect(try ABIValue(json: value.json(as: type), as: type) == value)
    }

    @Test("a value with a type that is not its own is written without names")
    func foreignType() throws {
        let value = ABIValue.array([.tuple([.uint(1), .tuple([.bool(true)])])])
        for type in ["bool", "(bool a)[]", "(bool a)", "(bool,bool b)[2]"] {
            let json = try value.json(as: ABIType(type))
            #expect(try ABIValue(json: json, as: ABIType("(uint256,(bool))[]")) == value)
        }
        #expect([ABIParameter]().json([.uint(1)]).compact == #"["0x1"]"#)
    }

    @Test("JSON that a value is written as reads as the value", arguments: try Vector.all.get())
    func roundTrip(vector: Vector) throws {
        for (type, value) in zip(vector.types, vector.values) {
            #expect(try ABIValue(json: value.json(as: type), as: type) == value)
        }
    }

    @Test("a log's values are written by name; one that the log has as a hash is told apart")
    func events() throws {
        let hash = Keccak256.hash(Array("text".utf8))
        let event = try ABIEvent("Said(address indexed who, string indexed text, uint8 count)")
        let values: [ABIEvent.Value] = [.value(.address(.zero)), .hash(hash), .value(.uint(1))]
        #expect(
            event.json(values).compact
                == #"{"who":"\#(Address.zero)","text":{"hash":"\#(hash)"},"count":"0x1"}"#)
        let unnamed = try ABIEvent("Said(address indexed, string indexed, uint8)")
        #expect(unnamed.json(values).compact == #"["\#(Address.zero)",{"hash":"\#(hash)"},"0x1"]"#)
        #expect(try ABIEvent("Said()").json([]).compact == "{}")
    }
}
