import ABI
import JSON
import Primitives
import TestVectors
import Testing

/// A document of Tests/vectors/artefacts.json, and a contract that is to be found in it.
private struct ArtefactVector: CustomTestStringConvertible {
    let document: [UInt8]
    let contract: JSONObject
    let testDescription: String

    static let all = Result {
        try TestVectors.load("artefacts.json", member: "vectors").flatMap { vector throws in
            let document = try vector["document"]?.string ?? vector.required("json").compact
            return try vector.array("contracts").compactMap(\.object).map { contract throws in
                ArtefactVector(
                    document: Array(document.utf8), contract: contract,
                    testDescription: "\(try vector.string("format")) \(try contract.string("name"))")
            }
        }
    }
}

private func contracts(_ document: String) throws -> [ContractArtefact] {
    try ContractArtefact.list(in: Array(document.utf8))
}

@Suite struct ArtefactTests {
    @Test(
        "a contract is found in every tool's document, by its name or as the only one",
        arguments: try ArtefactVector.all.get())
    fileprivate func formats(vector: ArtefactVector) throws {
        let name = try vector.contract.string("name")
        let contract = try ContractArtefact.list(in: vector.document).contract(named: name == "" ? nil : name)
        let interface = try contract.interface()
        let functions = try vector.contract.array("functions").compactMap(\.string)
        #expect(interface.functions.map(\.signature) == functions)
        #expect(interface.unusable == [])
        #expect(try interface.constructor.inputs.canonicalTypes == vector.contract.string("constructor"))
        if vector.contract["bytecode"] == nil {
            #expect(throws: ABIError.noBytecode) { try contract.bytecode() }
        } else {
            #expect(try contract.bytecode() == vector.contract.bytes("bytecode"))
        }
    }

    @Test(
        "a document without a contract is refused",
        arguments: [
            ("1", .notAnEntry("1")), ("{}", .json(.missingMember(line: 1, member: "abi"))), ("", .noContract),
            (" \n\t", .noContract), (#"{"contracts":{}}"#, .noContract), ("[7]", .json(.notAnObject(line: 1))),
            (#"{"abi":{}}"#, .json(.illTyped(line: 1, member: "abi", expected: "an array"))),
            (#"{"abi":[1]}"#, .json(.notAnObject(line: 1))), ("[", .json(.truncated(line: 1))),
            (#"{"output":{}}"#, .json(.missingMember(line: 1, member: "output.abi"))),
            (
                #"{"contracts":{"a.sol":7}}"#,
                .json(.illTyped(line: 1, member: "contracts.a.sol", expected: "an object"))
            ),
            (#"{"contracts":{"a.sol":{"A":{}}}}"#, .json(.missingMember(line: 1, member: "contracts.a.sol.A.abi"))),
            (
                #"{"contracts":{"a.sol":{"A":1}}}"#,
                .json(.illTyped(line: 1, member: "contracts.a.sol.A", expected: "an object"))
            ),
            (#"{"contracts":{"A":{"bin":"60"}}}"#, .json(.missingMember(line: 1, member: "contracts.A.abi"))),
            (#""\"[]""#, .json(.truncated(line: 1))), ("null", .notAnEntry("null")),
            ("# Interfaces\n", .notAnEntry("# Interfaces")),
            (#"["f(uint8)"]"#, .notAnEntry("f(uint8)")), ("contract X {\n}", .notAnEntry("contract X {")),
            (
                #"{"status":"0","message":"NOTOK","result":"Contract source code not verified"}"#,
                .noInterface(text: "Contract source code not verified")
            ),
            (#"{"status":"0","message":"No contract","result":null}"#, .noInterface(text: "No contract")),
            (#"{"status":"1","message":"OK","result":"Not verified"}"#, .noInterface(text: "Not verified")),
            (
                #"{"status":"1","message":"OK","result":[{"ABI":"Contract source code not verified","ContractName":""}]}"#,
                .noInterface(text: "Contract source code not verified")
            ),
        ] as [(String, ABIError)])
    func noContract(document: String, error: ABIError) {
        #expect(throws: error) { try interface(document) }
    }

    @Test("definitions that are not JSON are limited in size")
    func longText() {
        let text = String(repeating: "function f()\n", count: (1 << 20) / 13 + 1)
        #expect(throws: ABIError.definitionsTooLong(limit: 1 << 20)) { try contracts(text) }
        let line = #""function f()""#
        let array = "[\(line)" + String(repeating: ",\(line)", count: (1 << 20) / 12 + 1) + "]"
        #expect(throws: ABIError.definitionsTooLong(limit: 1 << 20)) { try interface(array) }
    }

    @Test("one of several contracts must be named, and by its source where two have the name")
    func several() throws {
        let build = """
            {"contracts":{"src/a.sol":{"A":{"abi":[]},"B":{"abi":[]}},"src/c.sol":{"B":{"abi":["function b()"]}},
            "lib/src/c.sol":{"B":{"abi":[]}}}}
            """
        let list = try contracts(build)
        #expect(try list.contract(named: "A").name == "A")
        #expect(try list.contract(named: "a.sol:A").source == "src/a.sol")
        #expect(try list.contract(named: "lib/src/c.sol:B").source == "lib/src/c.sol")
        #expect(throws: ABIError.severalContracts(["A", "src/a.sol:B", "src/c.sol:B", "lib/src/c.sol:B"])) {
            try list.contract(named: nil)
        }
        #expect(
            throws: ABIError.severalContracts(["src/a.sol:B", "src/c.sol:B", "lib/src/c.sol:B"])
        ) {
            try list.contract(named: "B")
        }
        #expect(throws: ABIError.severalContracts(["src/c.sol:B", "lib/src/c.sol:B"])) {
            try list.contract(named: "c.sol:B")
        }
        #expect(try list.contract(named: "src/c.sol:B").source == "src/c.sol")
        for name in ["", "a", "C", "sol:A", ".sol:A", "src/a.sol", "src/a.sol:"] {
            #expect(throws: ABIError.self) { try list.contract(named: name) }
        }
    }

    @Test("a list of names is short, and a wrong name has a near one")
    func names() throws {
        let names = (1...12).map { "Token\($0)" }
        let error = ABIError.severalContracts(names)
        #expect(error.description.hasSuffix(#""Token9", "Token10" and 2 more"#))
        #expect(error.hints == ["name one after the file and a colon, as in FILE:NAME"])
        let wrong = ABIError.unknownContract(name: "Tokn3", known: names)
        #expect(wrong.description == #"there is no contract "Tokn3""#)
        #expect(wrong.hints.first == #"did you mean "Token3"?"#)
        #expect(wrong.hints.last?.hasSuffix("and 2 more") == true)
        #expect(throws: ABIError.unknownContract(name: "A", known: [])) { try contracts("[]").contract(named: "A") }
    }

    @Test(
        "what is no bytecode is refused",
        arguments: [
            (#"{"abi":[]}"#, .noBytecode), (#"{"abi":[],"bytecode":"0x"}"#, .noBytecode), ("[]", .noBytecode),
            (#"{"abi":[],"bytecode":""}"#, .noBytecode),
            (#"{"abi":[],"bytecode":"0x608"}"#, .badBytecode(.oddHexLength(count: 3))),
            (#"{"abi":[],"bytecode":"0x60zz"}"#, .badBytecode(.notHex(offset: 2))),
            (#"{"abi":[],"bytecode":1}"#, .json(.illTyped(line: 1, member: "bytecode", expected: "a string"))),
            (#"{"abi":[],"bytecode":{}}"#, .json(.missingMember(line: 1, member: "bytecode.object"))),
            (#"{"abi":[],"evm":{}}"#, .noBytecode),
        ] as [(String, ABIError)])
    func badBytecode(document: String, error: ABIError) throws {
        let contract = try contracts(document).contract(named: nil)
        #expect(throws: error) { try contract.bytecode() }
    }

    @Test(
        "bytecode that is not linked names the libraries, each once",
        arguments: [
            (#""bytecode":"60__$0123456789abcdef0123456789abcdef01$__80""#, ["$0123456789abcdef0123456789abcdef01$"]),
            (
                #""bin":"60__src/Math.sol:Math_____________________80__Lists_________________________________80""#,
                ["src/Math.sol:Math", "Lists"]
            ),
            (
                #""bytecode":"60__Math__________________________________80__Math__________________________________""#,
                ["Math"]
            ),
            (#""bytecode":"60__""#, [""]),
            (
                #""bytecode":{"object":"60__$0123456789abcdef0123456789abcdef01$__","linkReferences":{"a.sol":{"A":[],"B":[]}}}"#,
                ["a.sol:A", "a.sol:B"]
            ),
            (#""bytecode":"60__$0__","linkReferences":{"a.sol":{"A":[{"start":1,"length":20}]}}"#, ["a.sol:A"]),
            (#""evm":{"bytecode":{"object":"60__$0__","linkReferences":{"a.sol":{"A":[]}}}}"#, ["a.sol:A"]),
        ])
    func unlinked(members: String, libraries: [String]) throws {
        let contract = try contracts(#"{"abi":[],\#(members)}"#).contract(named: nil)
        #expect(throws: ABIError.unlinkedBytecode(libraries: libraries)) { try contract.bytecode() }
    }

    @Test("structs of structs are refused before they grow large")
    func largeStructs() throws {
        let structs = (1...16).map { level in
            "struct S\(level) {" + String(repeating: "S\(level - 1) x;", count: 4) + "}"
        }
        let text = (["struct S0 { uint8 x; }"] + structs + ["function f(S16 x)", "function g(S2 x)"])
            .joined(separator: "\n")
        let interface = try interface(text)
        #expect(interface.functions.map(\.name) == ["g"])
        #expect(interface.unusable.map(\.name) == ["f"])
        let many = (0..<300).map { "struct T\($0) { bool b; }" } + ["function f(T255)", "function g(T256)"]
        #expect(try ABITests.interface(many.joined(separator: "\n")).functions.map(\.name) == ["f"])
        let circle = try ABITests.interface(
            "struct A { B b; }\nstruct B { A a; }\nfunction f(A a)\nstruct\nfunction g(bool)")
        #expect(circle.functions.map(\.name) == ["g"])
        #expect(circle.unusable.map(\.name) == ["f"])
    }
}
