import ABI
import Dstack
import JSON
import Primitives
import TEEBridge
import TestVectors
import Testing
import Transactions

@Suite struct RequestTests {
    private static let bridge = Address(checked: [UInt8](repeating: 0xB1, count: 20))
    private static let requests = BridgeRequests(bridge: bridge)
    private static let word = Bytes32(checked: [UInt8](repeating: 0x11, count: 32))
    private static let other = Bytes32(checked: [UInt8](repeating: 0x22, count: 32))
    private static let root = Address(checked: [UInt8](repeating: 0x33, count: 20))
    private static let verifier = Address(checked: [UInt8](repeating: 0x77, count: 20))

    /// The request is what eth-abi made of the same call.
    private static func expect(
        _ request: TransactionRequest, _ vector: JSONObject, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(try request.label == vector.string("label"), sourceLocation: sourceLocation)
        #expect(try request.data.hex == vector.string("data"), sourceLocation: sourceLocation)
        #expect(request.to == bridge, sourceLocation: sourceLocation)
        #expect(request.value == 0, sourceLocation: sourceLocation)
        let unless = vector["unless"]?.object
        #expect((request.unless == nil) == (unless == nil), sourceLocation: sourceLocation)
        if let unless {
            #expect(request.unless?.to == bridge, sourceLocation: sourceLocation)
            #expect(try request.unless?.data.hex == unless.string("data"), sourceLocation: sourceLocation)
            #expect(try request.unless?.equals.hex == unless.string("equals"), sourceLocation: sourceLocation)
        }
    }

    private static func vector(_ label: String) throws -> JSONObject {
        let vectors = try TestVectors.load("teebridge.json", member: "requests")
        return try #require(vectors.first { $0["label"]?.string == label })
    }

    @Test func `published proofs register with the calldata of eth-abi, unless they are members`() throws {
        let proofs = try TestVectors.load("dstack-chains.json", member: "proofs").map {
            try Proof(json: $0.object("proof"))
        }
        let vectors = try TestVectors.load("teebridge.json", member: "registrations")
        #expect(proofs.count == vectors.count)
        for (proof, vector) in zip(proofs, vectors) { try Self.expect(Self.requests.register(proof), vector) }
        let verified = try TestVectors.load("teebridge.json", member: "verified_registrations")
        #expect(proofs.count == verified.count)
        for (proof, vector) in zip(proofs, verified) {
            try Self.expect(Self.requests.register(proof, verifier: Self.verifier), vector)
        }
    }

    @Test func `a message is posted as eth-abi encodes it, on no condition`() throws {
        let payload = (0..<100).map { UInt8($0) }
        try Self.expect(
            Self.requests.onboard(from: Self.word, to: Self.other, payload: payload), Self.vector("onboard"))
    }

    @Test("allowing is needless where it is allowed, and taking back where it is not", arguments: [true, false])
    func allowLists(isAllowed: Bool) throws {
        let verb = isAllowed ? "add" : "remove"
        try Self.expect(Self.requests.kmsRoot(Self.root, isAllowed: isAllowed), Self.vector("\(verb)KmsRoot"))
        try Self.expect(Self.requests.code(Self.word, isAllowed: isAllowed), Self.vector("\(verb)AllowedCode"))
        try Self.expect(Self.requests.verifier(Self.verifier, isAllowed: isAllowed), Self.vector("\(verb)Verifier"))
    }

    @Test func `a compose hash goes to the app's own contract`() throws {
        try Self.expect(
            BridgeRequests.composeHash(Self.word, app: Self.bridge), Self.vector("addComposeHash"))
    }
}

@Suite struct SealedMessageTests {
    private static let from = "0x" + String(repeating: "1a", count: 32)
    private static let to = "0x" + String(repeating: "2b", count: 32)

    private static func message(_ text: String) throws -> SealedMessage {
        try SealedMessage(json: #require(JSONParser.parse(text).object))
    }

    @Test(
        "the document comes back, its members in their order",
        arguments: [
            #"{"from_member":"\#(from)","to_member":"\#(to)","payload":"0x0102"}"#,
            #"{"to_member":"\#(to)","payload":"0x"}"#, #"{"payload":"0x00"}"#,
        ])
    func document(text: String) throws { #expect(try Self.message(text).json.compact == text) }

    @Test func `unknown members are ignored, in any order`() throws {
        let text = #"{"payload":"0xAB","x":[1],"to_member":"\#(Self.to)","from_member":"\#(Self.from)"}"#
        let expected = SealedMessage(from: try Bytes32(hex: Self.from), to: try Bytes32(hex: Self.to), payload: [0xAB])
        #expect(try Self.message(text) == expected)
    }

    @Test(
        "an ill-typed member is named",
        arguments: [
            (#"{}"#, "payload"), (#"{"payload":null}"#, "payload"), (#"{"payload":"01"}"#, "payload"),
            (#"{"payload":"0x0"}"#, "payload"), (#"{"payload":"0x","to_member":"0x00"}"#, "to_member"),
            (#"{"payload":"0x","to_member":null}"#, "to_member"), (#"{"payload":"0x","from_member":7}"#, "from_member"),
            (#"{"payload":"0x","from_member":"\#(from)00"}"#, "from_member"),
        ])
    func illTyped(text: String, member: String) throws {
        let error = #expect(throws: JSONError.self) { try Self.message(text) }
        #expect(error?.description.contains("\"\(member)\"") == true)
    }
}
