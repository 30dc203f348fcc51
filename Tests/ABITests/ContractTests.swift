import ABI
import JSON
import Primitives
import Testing

@Suite struct ContractTests {
    static let entries = """
        [
        {"type":"function","name":"transfer","inputs":[{"name":"to","type":"address"},
            {"name":"amount","type":"uint256"}],"outputs":[{"name":"","type":"bool"}],"stateMutability":"nonpayable"},
        {"type":"function","name":"transfer","inputs":[{"name":"to","type":"address"}],"outputs":[]},
        {"type":"function","name":"owner","constant":true,"inputs":[],"outputs":[{"name":"","type":"address"}]},
        {"type":"event","name":"Transfer","inputs":[{"name":"from","type":"address","indexed":true},
            {"name":"to","type":"address","indexed":true},{"name":"value","type":"uint256","indexed":false}]},
        {"type":"event","name":"Transfer","inputs":[{"name":"from","type":"address","indexed":true},
            {"name":"to","type":"address","indexed":true},{"name":"id","type":"uint256","indexed":true}]},
        {"type":"error","name":"NotOwner","inputs":[]},
        {"type":"error","name":"TooMany","inputs":[{"name":"count","type":"uint256"},{"name":"who","type":"string"}]},
        {"type":"constructor","inputs":[{"name":"roots","type":"address[]"}],"stateMutability":"nonpayable"},
        {"type":"receive","stateMutability":"payable"},
        {"type":"fallback","stateMutability":"payable"}
        ]
        """

    static func contract() throws -> ContractABI { try ContractABI(json: JSONParser.parse(entries)) }

    @Test("an interface is an array, or an artefact's abi")
    func forms() throws {
        let contract = try Self.contract()
        #expect(try contract == ContractABI(json: JSONParser.parse(#"{"abi":\#(Self.entries),"other":1}"#)))
        #expect(contract.functions.count == 3)
        #expect(contract.events.count == 2)
        #expect(contract.reverts.map(\.signature) == ["NotOwner()", "TooMany(uint256,string)"])
        #expect(contract.constructor.inputs.map(\.name) == ["roots"])
        #expect(try ContractABI(json: JSONParser.parse("[]")).constructor == ABIConstructor(inputs: []))
    }

    @Test(
        "what is no interface is refused",
        arguments: [
            ("1", .notAnObject(line: 1)), ("{}", .missingMember(line: 1, member: "abi")),
            (#"{"abi":{}}"#, .illTyped(line: 1, member: "abi", expected: "an array")),
            (#"{"abi":[1]}"#, .notAnObject(line: 1)),
            ("[1]", .notAnObject(line: 1)),
            ("{\"abi\":[\n{\"type\":\"event\"}]}", .missingMember(line: 2, member: "abi.0.inputs")),
        ] as [(String, JSONError)])
    func badInterfaces(text: String, error: JSONError) throws {
        let json = try JSONParser.parse(text)
        #expect(throws: ABIError.json(error)) { try ContractABI(json: json) }
    }

    @Test(
        "bytecode is hex, bare or in an object, with 0x or without",
        arguments: [#"{"bytecode":"0x6080"}"#, #"{"bytecode":"6080"}"#, #"{"bytecode":{"object":"0x6080","x":1}}"#])
    func bytecode(text: String) throws {
        #expect(try ContractABI.bytecode(ofArtefact: JSONParser.parse(text)) == [0x60, 0x80])
    }

    @Test(
        "what is no bytecode is refused",
        arguments: [
            ("{}", .noBytecode), (#"{"bytecode":"0x"}"#, .noBytecode), (#"{"bytecode":""}"#, .noBytecode),
            (#"{"bytecode":{"object":"60__$aabb$__80"}}"#, .unlinkedBytecode),
            (#"{"bytecode":"0x608"}"#, .badBytecode(.oddHexLength(count: 3))),
            (#"{"bytecode":"0x60zz"}"#, .badBytecode(.notHex(offset: 2))),
            (#"{"bytecode":1}"#, .json(.illTyped(line: 1, member: "bytecode", expected: "a string"))),
            (#"{"bytecode":{}}"#, .json(.missingMember(line: 1, member: "bytecode.object"))),
            ("[]", .json(.notAnObject(line: 1))),
        ] as [(String, ABIError)])
    func badBytecode(text: String, error: ABIError) throws {
        let json = try JSONParser.parse(text)
        #expect(throws: error) { try ContractABI.bytecode(ofArtefact: json) }
    }

    @Test("a name finds its function; an overload needs its signature")
    func overloads() throws {
        let contract = try Self.contract()
        #expect(try contract.function("owner").mutability == .view)
        #expect(try contract.function("transfer(address payable)").inputs.count == 1)
        #expect(try contract.function("transfer(address,uint)").inputs.count == 2)
        #expect(try contract.functions(named: "transfer").count == 2)
        #expect(try contract.reverts(named: "NotOwner").map(\.signature) == ["NotOwner()"])
        #expect(try contract.events(named: "Transfer(address,address,uint256)").count == 2)
    }

    @Test("a name without an entry, or with two, is refused")
    func names() throws {
        let contract = try Self.contract()
        #expect(
            throws: ABIError.ambiguousName(
                name: "transfer", signatures: ["transfer(address,uint256)", "transfer(address)"])
        ) { try contract.function("transfer") }
        #expect(throws: ABIError.unknownItem(item: "error", name: "owner", known: ["NotOwner", "TooMany"])) {
            try contract.reverts(named: "owner")
        }
        #expect(throws: ABIError.unknownItem(item: "event", name: "owner()", known: ["Transfer"])) {
            try contract.events(named: "owner()")
        }
        #expect(throws: ABIError.self) { try contract.function("transfer(") }
    }

    @Test(
        "where a name is unknown, the overloads are listed, or all names once",
        arguments: [
            ("transfer(bool)", ["transfer(address,uint256)", "transfer(address)"]), ("owner(bool)", ["owner()"]),
            ("onwer", ["owner", "transfer"]), ("", ["owner", "transfer"]),
        ])
    func known(name: String, known: [String]) throws {
        let contract = try Self.contract()
        #expect(throws: ABIError.unknownItem(item: "function", name: name, known: known)) {
            try contract.functions(named: name)
        }
    }

    @Test("a hint lists twenty names at most")
    func manyNames() {
        let names = (1...23).map { "f\($0)" }
        func hints(_ count: Int) -> [String] {
            ABIError.unknownItem(item: "function", name: "f", known: Array(names.prefix(count))).hints
        }
        #expect(hints(0) == [])
        #expect(hints(2) == [#"it has "f1", "f2""#])
        #expect(hints(20).first?.hasSuffix(#""f20""#) == true)
        #expect(hints(23).first?.hasSuffix(#""f20" and 3 more"#) == true)
    }

    @Test("calldata finds its function by the selector")
    func calls() throws {
        let contract = try Self.contract()
        let calldata = try contract.function("transfer(address)").encodeCall([.address(.zero)])
        let call = try contract.decodeCall(calldata)
        #expect(call.function.signature == "transfer(address)")
        #expect(call.arguments == [.address(.zero)])
        #expect(throws: ABIError.unknownItem(item: "function with the selector", name: "0x01020304")) {
            try contract.decodeCall([1, 2, 3, 4])
        }
        #expect(throws: ABIError.truncated(place: "selector", type: "bytes4", needed: 4, available: 3)) {
            try contract.decodeCall([1, 2, 3])
        }
    }

    @Test("a log finds its event by the topic, and by the number of topics where indexed alone differs")
    func logs() throws {
        let contract = try Self.contract()
        let topic = try #require(contract.events.first).topic
        let coins = try contract.decodeLog(topics: [topic, .zero, .zero], data: bytes(word(5)))
        #expect(coins.event.inputs.last?.parameter.name == "value")
        #expect(coins.values.last == .value(.uint(5)))
        let token = try contract.decodeLog(topics: [topic, .zero, .zero, .zero], data: [UInt8]())
        #expect(token.event.inputs.last?.parameter.name == "id")
        #expect(throws: ABIError.wrongTopicCount(event: token.event.signature, expected: 3, actual: 1)) {
            try contract.decodeLog(topics: [topic], data: [UInt8]())
        }
        #expect(throws: ABIError.unknownItem(item: "event with the topic", name: Bytes32.zero.hex)) {
            try contract.decodeLog(topics: [.zero], data: [UInt8]())
        }
        #expect(throws: ABIError.noTopics) { try contract.decodeLog(topics: [], data: [UInt8]()) }
    }

    @Test("an interface of one definition alone refuses by that definition")
    func only() throws {
        let function = try ABIFunction("f(bool)")
        let error = try ABIRevert("NotOwner()")
        let event = try ABIEvent("Said(bool)")
        let contract = ContractABI([.function(function), .revert(error), .event(event)])
        let other = try Selector([1, 2, 3, 4])
        #expect(
            throws: ABIError.wrongSelector(signature: "f(bool)", expected: function.selector, actual: other)
        ) { try contract.decodeCall(other.bytes) }
        #expect(
            throws: ABIError.wrongSelector(signature: "NotOwner()", expected: error.selector, actual: other)
        ) { try contract.decodeError(other.bytes) }
        #expect(throws: ABIError.wrongTopic(event: "Said(bool)")) {
            try contract.decodeLog(topics: [.zero], data: [UInt8]())
        }
        let anonymous = ContractABI([.event(try ABIEvent("Said(bool) anonymous"))])
        #expect(try anonymous.decodeLog(topics: [], data: bytes(word(1))).values == [.value(.bool(true))])
    }

    @Test("revert data finds its error by the selector")
    func errors() throws {
        let contract = try Self.contract()
        #expect(try contract.decodeError([0x30, 0xcd, 0x74, 0x71]).error.name == "NotOwner")
        let message = try ABIRevert.message.encode([.string("text")])
        #expect(throws: ABIError.unknownItem(item: "error with the selector", name: "0x08c379a0")) {
            try contract.decodeError(message)
        }
        #expect(try contract.adding([.message]).decodeError(message).values == [.string("text")])
        #expect(throws: ABIError.trailingBytes(count: 1)) { try contract.decodeError([0x30, 0xcd, 0x74, 0x71, 0]) }
    }

    @Test("a result is of the first function that can have returned it")
    func results() throws {
        let versions = ContractABI([
            .function(try ABIFunction("get()(uint8)")), .function(try ABIFunction("get()(uint8,bytes)")),
        ])
        let short = try bytes(word(7))
        let long = try bytes(word(7) + word(64) + word(0))
        #expect(try versions.decodeResult(short).values == [.uint(7)])
        #expect(try versions.decodeResult(long).values == [.uint(7), .bytes([])])
        #expect(throws: ABIError.outOfRange(place: "result[0]", type: "uint8")) {
            try versions.decodeResult(bytes(word(256)))
        }
    }

    @Test("revert data says what it means")
    func reverts() throws {
        let contract = try Self.contract()
        let message = try ABIRevert.message.encode([.string("bad \"sig\" len")])
        #expect(contract.decodeRevert(message) == .message("bad \"sig\" len"))
        #expect(contract.decodeRevert(message).description == #"Error("bad \"sig\" len")"#)
        let panic = try ABIRevert.panic.encode([.uint(0x12)])
        #expect(contract.decodeRevert(panic) == .panic(0x12))
        #expect(contract.decodeRevert(panic).description == "Panic(0x12): division by zero")
        #expect(contract.decodeRevert([0x30, 0xcd, 0x74, 0x71]).description == "NotOwner()")
        let tooMany = try #require(contract.reverts(named: "TooMany").first)
        let data = try tooMany.encode([.uint(5), .string("a")])
        #expect(contract.decodeRevert(data) == .declared(tooMany, [.uint(5), .string("a")]))
        #expect(contract.decodeRevert(data).description == #"TooMany("0x5","a")"#)
        #expect(contract.decodeRevert([UInt8]()) == .empty)
    }

    @Test("revert data that is not what its selector says is unknown, not an error")
    func strangeReverts() throws {
        let contract = try Self.contract()
        let message = try ABIRevert.message.encode([.string("text")])
        for count in 1..<(message.count - 32) {
            #expect(contract.decodeRevert(message.prefix(count)) == .unknown(Array(message.prefix(count))))
        }
        #expect(contract.decodeRevert([0xde, 0xad, 0xbe, 0xef]).description == "0xdeadbeef")
        let panic = try ABIRevert.panic.encode([.uint(.max)])
        #expect(contract.decodeRevert(panic).description == "Panic(0x" + String(repeating: "f", count: 64) + ")")
    }

    @Test(
        "every code of Panic that Solidity documents has a meaning",
        arguments: [0x00, 0x01, 0x11, 0x12, 0x21, 0x22, 0x31, 0x32, 0x41, 0x51] as [UInt256])
    func panics(code: UInt256) {
        #expect(RevertData.panicMeaning(code) != nil)
        #expect(RevertData.panicMeaning(code &+ 2) == nil)
    }
}
