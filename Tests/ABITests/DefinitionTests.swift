import ABI
import JSON
import Primitives
import Testing

@Suite struct DefinitionTests {
    static let proof = """
        (bytes32 messageHash, bytes messageSignature, bytes appSignature, bytes kmsSignature,
         bytes derivedCompressedPubkey, bytes appCompressedPubkey, string purpose)
        """

    @Test(
        "selectors of the bridge's functions",
        arguments: [
            ("registerDstack(bytes32 codeId, \(proof)) returns (bytes32 memberId)", "8dcb6d9e"),
            ("onboard(bytes32,bytes32,bytes)", "983895bf"), ("getMember(bytes32)(bytes32,bytes,uint)", "dc4b93a1"),
            ("isMember(bytes32)", "511bcee5"), ("getOnboarding(bytes32)((bytes32,bytes)[])", "762e99ca"),
            ("addKmsRoot(address)", "77a35f6c"), ("removeKmsRoot(address payable)", "1620d718"),
            ("addAllowedCode(bytes32)", "8ac6f810"), ("removeAllowedCode(bytes32)", "8fcebb6e"),
            ("allowedKmsRoots(address)", "12c604da"), ("allowedCode(bytes32)", "b78d9c13"), ("owner()", "8da5cb5b"),
            ("register(address verifier, bytes proof) returns (bytes32)", "24b8fbf6"),
            ("addVerifier(address)", "9000b3d6"), ("removeVerifier(address)", "ca2dfd0a"),
            ("allowedVerifiers(address)", "7e148502"), ("verify(bytes)", "8e760afe"),
            ("verifyAndCache(bytes)", "27b11f4e"), ("transfer(address,uint)", "a9059cbb"),
        ])
    func selectors(signature: String, selector: String) throws {
        #expect(try ABIFunction(signature).selector.hex == "0x" + selector)
    }

    @Test(
        "selectors of errors",
        arguments: [
            ("NotOwner()", "30cd7471"), ("CodeNotAllowed()", "dd04bd0d"), ("AlreadyRegistered()", "3a81d6fc"),
            ("error MemberNotFound();", "1fdd7d63"), ("InvalidDstackSignature()", "8de52096"),
            ("VerifierNotAllowed()", "34aa1c50"), ("Error(string)", "08c379a0"), ("error Panic(uint code)", "4e487b71"),
        ])
    func errors(signature: String, selector: String) throws {
        #expect(try ABIRevert(signature).selector.hex == "0x" + selector)
    }

    @Test("the word that says what is declared may itself be the name")
    func keywordsAsNames() throws {
        #expect(try ABIRevert("error(string)").signature == "error(string)")
        #expect(try ABIEvent("event event(uint indexed indexed)").signature == "event(uint256)")
        #expect(try ABIFunction("function(uint256 function)(function)").signature == "function(uint256)")
    }

    @Test(
        "topics of events",
        arguments: [
            (
                "MemberRegistered(bytes32 indexed memberId, bytes32 indexed codeId, bytes pubkey)",
                "d3c1f175f923383bd4f79981304ad1d2b1e3bfa901d4a684c51bf6a51dcbad33", 3
            ),
            (
                "event OnboardingPosted(bytes32 indexed toMember, bytes32 indexed fromMember);",
                "dd4724f3d8b4ef052c612776a50440b006f54d58753a5c2abdbc28fbb015f87b", 3
            ),
            (
                "AllowedCodeAdded(bytes32 indexed)",
                "baf1dd09c46aa1915ee39b17661d7a579d3eb6d40ad29ae7027080f7a95a5596", 2
            ),
            ("AllowedCodeRemoved(bytes32)", "2546fc2f6af297a8c360e3b9ffa0f36beace497a1701a33aa8032e5060160a5d", 1),
            ("KmsRootAdded(address indexed)", "585e8a3ab07986be1f7e3a3c9681819f53ad36480f4cad0406a5f56e59a06b68", 2),
            ("KmsRootRemoved(address indexed)", "9b93bd469da5933605a62ef2c8d68363c7fdb759762408fd4d7e0eba7df5be90", 2),
            ("VerifierAdded(address indexed)", "6d05492139c5ea989514a5d2150c028041e5c087e2a39967f67dc7d2655adb81", 2),
            ("VerifierRemoved(address indexed)", "44a3cd4eb5cc5748f6169df057b1cb2ae4c383e87cd94663c430e095d4cba424", 2),
            (
                "MemberRegistered(bytes32 indexed,bytes32 indexed,address indexed verifier,bytes pubkey,bytes)",
                "1d6d2331179278db5b22e76d879dae4c82b7af80917e3663e3b59c5a324ef3f3", 4
            ),
        ])
    func topics(signature: String, topic: String, count: Int) throws {
        let event = try ABIEvent(signature)
        #expect(event.topic.hex == "0x" + topic)
        #expect(event.topicCount == count)
    }

    @Test("a function is read alike from a short signature, a declaration and a JSON entry")
    func forms() throws {
        let declared = try ABIFunction(
            "function transfer(address payable to, uint256 amount) external payable virtual returns (bool ok);")
        let entry = try entry(
            """
            {"type": "function", "name": "transfer", "stateMutability": "payable",
             "inputs": [{"name": "to", "type": "address", "internalType": "address payable"},
                        {"name": "amount", "type": "uint256"}],
             "outputs": [{"name": "ok", "type": "bool"}]}
            """)
        #expect(entry == .function(declared))
        #expect(declared.inputs.map(\.name) == ["to", "amount"])
        #expect(declared.outputs == [ABIParameter(.bool, name: "ok")])
        #expect(declared.mutability == .payable)
        for short in ["transfer(address,uint)(bool)", "transfer(address,uint256) returns (bool)"] {
            let function = try ABIFunction(short)
            #expect(function.signature == declared.signature)
            #expect(function.outputs == [ABIParameter(.bool)])
        }
        #expect(try ABIFunction("transfer(address,uint)").outputs == nil)
        #expect(try ABIFunction("function transfer(address,uint) view").outputs == [])
    }

    @Test("errors, events and constructors are read alike from text and from JSON")
    func otherForms() throws {
        let revert = try entry(#"{"type":"error","name":"Y","inputs":[{"name":"z","type":"uint256"}]}"#)
        #expect(try revert == .revert(ABIRevert("error Y(uint256 z)")))
        let event = try entry(
            """
            {"type": "event", "name": "X", "anonymous": true,
             "inputs": [{"name": "a", "type": "address", "indexed": true}, {"type": "bytes", "name": ""}]}
            """)
        #expect(try event == .event(ABIEvent("event X(address indexed a, bytes) anonymous")))
        let constructor = try entry(
            """
            {"type": "constructor", "stateMutability": "payable",
             "inputs": [{"name": "roots", "type": "address[]"}]}
            """)
        #expect(try constructor == .constructor(ABIConstructor("constructor(address[] memory roots) payable")))
        #expect(try ABIConstructor("(address[] roots)").inputs == [ABIParameter(.array(.address), name: "roots")])
    }

    @Test("a tuple's components come from the JSON entry beside its type")
    func components() throws {
        let function = try entry(
            """
            {"name": "f", "inputs": [{"name": "list", "type": "tuple[2][]", "components": [
                {"name": "a", "type": "uint8"},
                {"name": "b", "type": "tuple", "components": [{"name": "c", "type": "bytes"}]}]}]}
            """)
        #expect(try function == .function(ABIFunction("function f((uint8 a, (bytes c) b)[2][] list)")))
    }

    @Test(
        "what is no signature is refused",
        arguments: [
            "", "transfer", "(address)", "transfer(", "transfer(address", "transfer(address,)", "f(uint) nonsense",
            "f(uint) returns", "f(uint) returns uint", "f(uint)(uint) extra", "f()()()", "1f()", "f(uint indexed a)",
            "event X(uint)", "f(uint) internal", "0xdeadbeef", "f(mapping(uint => uint) m)",
        ])
    func badSignatures(text: String) {
        #expect(throws: ABIError.self) { try ABIFunction(text) }
    }

    @Test("what is no event, error or constructor is refused")
    func otherBadSignatures() {
        #expect(throws: ABIError.self) { try ABIEvent("event X(uint indexed indexed indexed)") }
        #expect(throws: ABIError.self) { try ABIEvent("event X(uint) view") }
        #expect(throws: ABIError.self) { try ABIRevert("error Y(uint indexed a)") }
        #expect(throws: ABIError.self) { try ABIRevert("error Y() returns (uint)") }
        #expect(throws: ABIError.self) { try ABIConstructor("constructor") }
        #expect(throws: ABIError.self) { try ABIConstructor("deploy(uint)") }
    }

    @Test(
        "an ill-formed JSON entry is refused, with its line and member",
        arguments: [
            ("{}", .missingMember(line: 1, member: "name")),
            (#"{"name":"f"}"#, .missingMember(line: 1, member: "inputs")),
            (#"{"name":"f","inputs":{}}"#, .illTyped(line: 1, member: "inputs", expected: "an array")),
            (#"{"name":"f","inputs":[1]}"#, .illTyped(line: 1, member: "inputs", expected: "an array of objects")),
            ("{\"name\":\"f\",\n\"inputs\":[{}]}", .missingMember(line: 2, member: "inputs.0.type")),
            (
                #"{"name":"f","inputs":[{"type":"tuple"}]}"#,
                .missingMember(line: 1, member: "inputs.0.components")
            ),
            (
                #"{"name":"f()","inputs":[]}"#,
                .illTyped(
                    line: 1, member: "name", expected: #"a name: expected the end at position 1 of "f()""#)
            ),
            (
                #"{"type":"struct","name":"f","inputs":[]}"#,
                .illTyped(
                    line: 1, member: "type", expected: "function, event, error, constructor, fallback or receive")
            ),
            (
                #"{"name":"f","inputs":[],"stateMutability":"maybe"}"#,
                .illTyped(line: 1, member: "stateMutability", expected: "pure, view, nonpayable or payable")
            ),
        ] as [(String, JSONError)])
    func badEntries(text: String, error: JSONError) throws {
        #expect(throws: ABIError.json(error)) { try entry(text) }
    }

    @Test(
        "a type that the ABI has not is refused, with its parameter",
        arguments: [
            (#"{"name":"f","inputs":[{"name":"mode","type":"enum Lib.Mode"}]}"#, #"parameter "mode""#, "enum Lib.Mode"),
            (
                #"{"name":"f","inputs":[{"type":"bool"},{"type":"Lib.Data storage"}]}"#, "parameter 2",
                "Lib.Data storage"
            ),
            (#"{"name":"f","inputs":[{"name":"","type":"uint7"}]}"#, "parameter 1", "uint7"),
            (#"{"name":"f","inputs":[],"outputs":[{"type":"Lib.Mode[]"}]}"#, "return value 1", "Lib.Mode[]"),
            (
                #"{"name":"f","inputs":[{"type":"tuple","components":[{"name":"a","type":"x"}]}]}"#, #"component "a""#,
                "x"
            ),
            (
                #"{"type":"event","name":"f","inputs":[{"name":"a","type":"struct L.D"}]}"#, #"parameter "a""#,
                "struct L.D"
            ),
            (#"{"type":"error","name":"f","inputs":[{"name":"a","type":""}]}"#, #"parameter "a""#, ""),
            (#"{"type":"constructor","inputs":[{"name":"a","type":"decimal"}]}"#, #"parameter "a""#, "decimal"),
        ])
    func badTypes(text: String, place: String, type: String) {
        let error = ABIError.badParameter(place: place, type: type, reason: "which is not a type of the ABI")
        #expect(throws: error) { try entry(text) }
    }

    @Test("components nest up to the limit and no further")
    func depth() throws {
        let nested = { (count: Int) in
            String(repeating: #"{"type":"tuple","components":["#, count: count) + #"{"type":"bool"}"#
                + String(repeating: "]}", count: count)
        }
        let function = { (count: Int) throws in try entry(#"{"name":"f","inputs":[\#(nested(count))]}"#) }
        #expect(throws: Never.self) { try function(ABIType.depthLimit) }
        let error = ABIError.badParameter(
            place: "parameter 1", type: "tuple", reason: "which is nested more than 16 levels deep")
        #expect(throws: error) { try function(ABIType.depthLimit + 1) }
    }

    @Test("calldata of another function is refused")
    func wrongSelector() throws {
        let function = try ABIFunction("isMember(bytes32)(bool)")
        let calldata = try ABIFunction("allowedCode(bytes32)").encodeCall([.word(.zero)])
        let other = try Selector(hex: "0xb78d9c13")
        #expect(
            throws: ABIError.wrongSelector(
                signature: "isMember(bytes32)", expected: function.selector, actual: other)
        ) { try function.decodeCall(calldata) }
        for count in 0..<4 {
            #expect(
                throws: ABIError.truncated(place: "selector", type: "bytes4", needed: 4, available: count)
            ) { try function.decodeCall(calldata.prefix(count)) }
        }
    }

    @Test("a result decodes by the signature's returns, and not without them")
    func results() throws {
        let data = try bytes(word(1))
        #expect(try ABIFunction("isMember(bytes32)(bool)").decodeResult(data) == [.bool(true)])
        #expect(throws: ABIError.unknownResult(signature: "isMember(bytes32)")) {
            try ABIFunction("isMember(bytes32)").decodeResult(data)
        }
        #expect(throws: ABIError.trailingBytes(count: 32)) { try ABIFunction("function f()").decodeResult(data) }
    }

    @Test("a deployment is the bytecode and the constructor's arguments")
    func deployment() throws {
        let constructor = try ABIConstructor("constructor(uint8 a)")
        #expect(try constructor.encodeDeployment(of: [0x60, 0x80], [.uint(5)]) == bytes("6080" + word(5)))
        #expect(throws: ABIError.wrongCount(place: "args", type: "(uint8)", expected: 1, actual: 0)) {
            try constructor.encodeDeployment(of: [], [])
        }
    }

    @Test("a log's indexed values come from its topics, dynamic ones as their hash")
    func logs() throws {
        let event = try ABIEvent(
            "event E(address indexed who, string name, string indexed tag, int8 indexed n, bool b)")
        let hash = Keccak256.hash(Array("tag".utf8))
        let who = Bytes32(checked: [UInt8](repeating: 0, count: 12) + [UInt8](repeating: 7, count: 20))
        let minusOne = Bytes32(checked: [UInt8](repeating: 0xff, count: 32))
        let data = try ABI.encode([.string("n"), .bool(true)], as: [.string, .bool])
        let topics = [event.topic, who, hash, minusOne]
        let values = try event.decodeLog(topics: topics, data: data)
        let address = try Address([UInt8](repeating: 7, count: 20))
        #expect(
            values == [
                .value(.address(address)), .value(.string("n")), .hash(hash), .value(.int(-1)), .value(.bool(true)),
            ])
        #expect(
            event.json(values).compact
                == #"{"who":"\#(address.checksummed)","name":"n","tag":{"hash":"\#(hash.hex)"},"n":"-1","b":true}"#)

        #expect(throws: ABIError.wrongTopic(event: event.signature)) {
            try event.decodeLog(topics: [hash, who, hash, minusOne], data: data)
        }
        #expect(throws: ABIError.wrongTopic(event: event.signature)) { try event.decodeLog(topics: [], data: data) }
        #expect(throws: ABIError.wrongTopicCount(event: event.signature, expected: 4, actual: 3)) {
            try event.decodeLog(topics: topics.dropLast(), data: data)
        }
        #expect(throws: ABIError.dirtyPadding(place: "topics.who", type: "address")) {
            try event.decodeLog(topics: [event.topic, hash, hash, minusOne], data: data)
        }
        #expect(throws: ABIError.self) { try event.decodeLog(topics: topics, data: data.dropLast()) }
    }

    @Test("an anonymous event's log has no topic of its own")
    func anonymous() throws {
        let event = try ABIEvent("event A(uint8 indexed a) anonymous")
        let topic = try Bytes32(bytes(word(9)))
        #expect(try event.decodeLog(topics: [topic], data: [UInt8]()) == [.value(.uint(9))])
        #expect(throws: ABIError.wrongTopicCount(event: "A(uint8)", expected: 1, actual: 2)) {
            try event.decodeLog(topics: [event.topic, topic], data: [UInt8]())
        }
    }
}
