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

    static func contract() throws -> ContractABI { try interface(entries) }

    @Test("an interface has functions, events, errors and a constructor")
    func items() throws {
        let contract = try Self.contract()
        #expect(contract.functions.count == 3)
        #expect(contract.events.count == 2)
        #expect(contract.reverts.map(\.signature) == ["NotOwner()", "TooMany(uint256,string)"])
        #expect(try contract.constructor.inputs.map(\.name) == ["roots"])
        #expect(contract.unusable == [])
        #expect(try interface("[]").constructor == ABIConstructor(inputs: []))
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

    @Test func `one call that returns different values is not ambiguous`() throws {
        let versions = try ["a(uint256)(bool)", "a(uint256)(bool,bool)"].map {
            ABIDefinition.function(try ABIFunction($0))
        }
        #expect(try ContractABI(versions).function("a").outputs?.count == 1)
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

    /// An interface whose every name has an entry that cannot be used; `both` and `ok` have another.
    static func faulty() throws -> ContractABI {
        try interface(
            """
            [
            {"type":"function","name":"f","inputs":[{"name":"x","type":"enum Lib.Mode"},{"name":"n","type":"uint8"}]},
            {"type":"function","name":"g","inputs":[],"outputs":[{"type":"Lib.Data storage"}]},
            {"type":"function","name":"both","inputs":[{"name":"d","type":"Lib.Data storage"}]},
            {"type":"function","name":"both","inputs":[{"name":"d","type":"bool"}]},
            {"type":"function","name":"ok","inputs":[]}, {"type":"fancy","name":"strange"}, {"name":7},
            {"type":"event","name":"E","inputs":[{"name":"x","type":"Lib.Mode"}]},
            {"type":"event","name":"ok","inputs":[]},
            {"type":"error","name":"R","inputs":[{"type":"struct Lib.Data"}]}, {"type":"error","name":"ok","inputs":[]},
            {"type":"constructor","inputs":[{"type":"Lib.Mode"}]}, "function h(Data memory d) view", "event ok2()"
            ]
            """)
    }

    /// The name and the reason of the entry that an error is about.
    func unusable(_ body: (ContractABI) throws -> Void) throws -> String? {
        let contract = try Self.faulty()
        let error = #expect(throws: ABIError.self) { try body(contract) }
        guard case .unusable(let entry) = error else { return nil }
        return "\(entry)"
    }

    @Test("an entry that cannot be used leaves the others as they are")
    func usable() throws {
        let contract = try Self.faulty()
        #expect(contract.functions.map(\.signature) == ["both(bool)", "ok()"])
        #expect(contract.events.map(\.signature) == ["ok()", "ok2()"])
        #expect(contract.reverts.map(\.signature) == ["ok()"])
        #expect(contract.unusable.count == 9)
        let ok = try contract.function("ok")
        #expect(try contract.decodeCall(ok.encodeCall([])).function == ok)
        #expect(try contract.function("both(bool)").inputs.count == 1)
    }

    @Test(
        "whoever names an entry that cannot be used learns why",
        arguments: [
            ("f", #"function "f": parameter "x" has the type "enum Lib.Mode", which is not a type of the ABI"#),
            ("f(Lib.Mode,uint8)", #"function "f": parameter "x" has the type "enum Lib.Mode""#),
            ("f(uint8)", #"function "f": parameter "x" has the type "enum Lib.Mode""#),
            ("g", #"function "g": return value 1 has the type "Lib.Data storage""#),
            ("g()", #"function "g": return value 1 has the type "Lib.Data storage""#),
            ("both(Lib.Data storage)", #"function "both": parameter "d" has the type "Lib.Data storage""#),
            ("strange", #"entry "strange": line 6: member "5.type" is not function, event"#),
            ("h", #"function "h": unknown type "Data""#),
        ])
    func unusableFunctions(name: String, reason: String) throws {
        #expect(try unusable { _ = try $0.function(name) }?.hasPrefix(reason) == true)
    }

    @Test("events, errors and the constructor are explained as functions are")
    func otherUnusable() throws {
        #expect(try unusable { _ = try $0.events(named: "E") }?.hasPrefix(#"event "E": parameter "x""#) == true)
        #expect(try unusable { _ = try $0.reverts(named: "R") }?.hasPrefix(#"error "R": parameter 1 has"#) == true)
        #expect(try unusable { _ = try $0.constructor }?.hasPrefix("constructor: parameter 1 has") == true)
        let error = ABIError.ambiguousName(name: "both", signatures: ["both(bool)", "both(Lib.Data storage)"])
        #expect(throws: error) { try Self.faulty().function("both") }
    }

    @Test("data of an entry that cannot be used is explained, by the signature as its compiler hashes it")
    func unusableData() throws {
        let call = Selector(signature: "f(Lib.Mode,uint8)").bytes
        #expect(try unusable { _ = try $0.decodeCall(call) }?.hasPrefix(#"function "f""#) == true)
        let revert = Selector(signature: "R(Lib.Data)").bytes
        #expect(try unusable { _ = try $0.decodeError(revert) }?.hasPrefix(#"error "R""#) == true)
        let topic = Keccak256.hash(Array("E(Lib.Mode)".utf8))
        #expect(try unusable { _ = try $0.decodeLog(topics: [topic], data: []) }?.hasPrefix(#"event "E""#) == true)
    }

    @Test("data of no entry is unknown, also where only one can be used, and a hint says that there are others")
    func unknownData() throws {
        let contract = try Self.faulty()
        let call = #expect(throws: ABIError.self) { try contract.decodeCall([1, 2, 3, 4]) }
        #expect(call?.description == #"the interface has no function with the selector "0x01020304""#)
        #expect(
            call?.hints.first?.hasPrefix(#"6 entries of it cannot be used, such as function "f": parameter "x""#)
                == true)
        let revert = #expect(throws: ABIError.self) { try contract.decodeError([1, 2, 3, 4]) }
        #expect(revert?.description == #"the interface has no error with the selector "0x01020304""#)
        #expect(throws: ABIError.noTopics) { try contract.decodeLog(topics: [], data: [UInt8]()) }
        let name = #expect(throws: ABIError.self) { try contract.events(named: "F") }
        #expect(name?.hints.first == #"it has "ok", "ok2""#)
        #expect(name?.hints.count == 2)
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
