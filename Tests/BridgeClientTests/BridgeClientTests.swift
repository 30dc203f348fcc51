import ABI
import EthereumNode
import Failures
import FakeNode
import JSON
import LoopbackServer
import Primitives
import Secp256k1
import TEEBridge
import TestSupport
import TestVectors
import Testing

@testable import BridgeClient

@Suite(.timeLimit(.minutes(1)))
struct PublicKeyTests {
    private static func answers() throws -> JSONObject { try TestVectors.load("teebridge.json").object("answers") }
    private static func member() throws -> Bytes32 { try Bytes32(hex: answers().string("member_id")) }

    @Test func `the second version's members are known by the shape of its answer`() throws {
        let answers = try Self.answers()
        let member = try Self.member()
        #expect(try key(.text(answers.string("getMemberV2"))) == answers.string("key"))
        let absent = try answers.string("getMemberV2_absent")
        #expect(throws: BridgeClientError.notAMember(member)) { try key(.text(absent)) }
    }

    /// The key that a bridge gives for the vectors' member, where getMember answers so.
    private func key(_ answer: FakeNode.Reply, in fake: FakeBridge = FakeBridge(), chainId: UInt64? = nil) throws
        -> String
    {
        try fake.with(TEEBridge.getMember, answer).run(chainId: chainId) { fake, client in
            let key = try #require(client.publicKeys(of: [Self.member()]).first).compressed.hex
            #expect(fake.server.requests.count == 1)
            return key
        }
    }

    @Test func `a member's key is read in one request`() throws {
        let answers = try Self.answers()
        #expect(try key(.text(answers.string("getMember")), chainId: 8453) == answers.string("key"))
    }

    @Test func `whoever is no member has no key`() throws {
        let answer = try Self.answers().string("getMember_absent")
        let member = try Self.member()
        let error = #expect(throws: BridgeClientError.notAMember(member)) { try key(.text(answer)) }
        #expect(error?.kind == .negativeResult)
    }

    @Test(
        "a key that does not hash to the member's id is refused, and one that is no point",
        arguments: [
            // The generator: a point, but another's.
            "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
            "02" + String(repeating: "00", count: 32), "00", String(repeating: "ff", count: 33),
        ])
    func foreignKey(digits: String) throws {
        let bytes = try Hex.decode(digits, prefix: .none)
        let values: [ABIValue] = [.word(try Self.member()), .bytes(bytes), .uint(1)]
        let answer = try ABI.encode(values, as: [.fixedBytes(.word), .bytes, .uint(.word)])
        let member = try Self.member()
        let error = #expect(throws: BridgeClientError.foreignKey(member: member)) { try key(.text(answer.hex)) }
        #expect(error?.kind == .negativeResult)
        #expect(error?.hints.isEmpty == false)
    }

    @Test func `bytes that hash to the id and are no point are refused`() throws {
        let bytes = [UInt8](repeating: 7, count: 33)
        let member = Keccak256.hash(bytes)
        let answer = try ABI.encode(
            [.word(member), .bytes(bytes), .uint(1)], as: [.fixedBytes(.word), .bytes, .uint(.word)])
        try FakeBridge().with(TEEBridge.getMember, .text(answer.hex)).run { _, client throws in
            _ = #expect(throws: BridgeClientError.foreignKey(member: member)) { try client.publicKeys(of: [member]) }
        }
    }

    @Test func `an address without code is no bridge`() throws {
        let error = #expect(throws: BridgeClientError.noContract(bridge)) {
            try key(.text("0x"), in: FakeBridge(code: .text("0x")))
        }
        #expect(error?.kind == .badInput)
    }

    @Test func `a node of another chain is refused, before all else`() throws {
        let error = #expect(throws: BridgeClientError.wrongChain(expected: 1, actual: 8453)) {
            try key(.text("0x"), in: FakeBridge(code: .text("0x")), chainId: 1)
        }
        #expect(error?.kind == .badInput)
    }

    @Test(
        "an answer that is not the interface's is unusable",
        arguments: [.text("0x"), .text("0x00"), .text("0x" + String(repeating: "ff", count: 96))] as [FakeNode.Reply])
    func unusable(reply: FakeNode.Reply) throws {
        let error = #expect(throws: BridgeClientError.self) { try key(reply) }
        guard case .unexpectedAnswer("getMember", _) = error else { return unexpected(error) }
        #expect(error?.kind == .serviceFailed)
    }

    @Test func `a revert where there should be none is named`() throws {
        let reply = FakeNode.Reply.error(3, "execution reverted", data: "0x1fdd7d63")
        let reason = "it reverted: MemberNotFound()"
        #expect(throws: BridgeClientError.unexpectedAnswer(function: "getMember", reason: reason)) { try key(reply) }
    }

    @Test func `a failure of the node is its own`() throws {
        #expect(
            throws: BridgeClientError.node(.methodFailed("eth_call", .response(code: -32000, message: "no", data: nil)))
        ) {
            try key(.error(-32000, "no"))
        }
    }
}

@Suite(.timeLimit(.minutes(1)))
struct MessagesTests {
    private static let member = Bytes32(checked: [UInt8](repeating: 0x33, count: 32))

    /// The messages of an inbox from an index on, and the requests that it took to read them.
    private func read(
        _ fake: FakeBridge, from first: UInt64 = 0, chainId: UInt64? = nil
    ) throws -> (messages: [(index: UInt64, from: Bytes32, payload: [UInt8])], requests: Int) {
        try fake.run(chainId: chainId) { fake, client in
            let messages = try client.messages(of: Self.member, from: first)
            return (messages, fake.server.requests.count)
        }
    }

    @Test(
        "messages are read fifty to a request, in their order",
        arguments: [
            (0, 0, 1), (1, 0, 2), (50, 0, 2), (51, 0, 3), (101, 0, 4), (101, 1, 3), (101, 100, 2), (101, 101, 1),
            (101, 500, 1), (101, UInt64.max, 1),
        ] as [(UInt64, UInt64, Int)])
    func batches(count: UInt64, first: UInt64, requests: Int) throws {
        let read = try read(FakeBridge().withInbox(count: count), from: first)
        #expect(read.requests == requests)
        let expected = first < count ? Array(first..<count) : []
        #expect(read.messages.map(\.index) == expected)
        #expect(read.messages.map(\.from) == expected.map { UInt256($0 + 1).word })
        #expect(read.messages.map(\.payload) == expected.map { Array("\($0)".utf8) })
    }

    @Test func `a node that takes no batches gives the same messages`() throws {
        var fake = FakeBridge().withInbox(count: 3)
        fake.takesBatches = false
        #expect(try read(fake).messages.map(\.index) == [0, 1, 2])
    }

    @Test("a contract that does not count is read whole", arguments: [0, 1, 2, 3, UInt64.max])
    func wholeInbox(first: UInt64) throws {
        let answers = try TestVectors.load("teebridge.json").object("answers")
        let inbox = try answers.array("inbox").compactMap(\.object)
        let whole = FakeBridge().with(TEEBridge.getOnboarding, .text(try answers.string("getOnboarding")))
        // The first version reverts without a word; a fallback function returns nothing.
        for fake in [whole, whole.with(TEEBridge.onboardingCount, .text("0x"))] {
            let messages = try read(fake, from: first).messages
            let expected = first < 2 ? Array(inbox.dropFirst(Int(first))) : []
            #expect(messages.map(\.index) == (first < 2 ? Array(first..<2) : []))
            #expect(try messages.map(\.from.hex) == expected.map { try $0.string("from") })
            #expect(try messages.map(\.payload.hex) == expected.map { try $0.string("payload") })
        }
        let empty = FakeBridge().with(TEEBridge.getOnboarding, .text(try answers.string("getOnboarding_empty")))
        #expect(try read(empty, from: first).messages.isEmpty)
    }

    @Test func `messages one by one are as eth-abi encodes them`() throws {
        let answers = try TestVectors.load("teebridge.json").object("answers")
        let encoded = try answers.array("onboardingMessage").compactMap(\.string)
        var fake = FakeBridge().withInbox(count: 2)
        fake.answers[TEEBridge.onboardingMessage.selector.bytes] = { .text(encoded[Int($0.last ?? 0)]) }
        let inbox = try answers.array("inbox").compactMap(\.object)
        #expect(try read(fake).messages.map(\.payload.hex) == inbox.map { try $0.string("payload") })
    }

    @Test func `neither another chain nor an empty address is an empty inbox`() throws {
        #expect(throws: BridgeClientError.wrongChain(expected: 1, actual: 8453)) {
            try read(FakeBridge().withInbox(count: 1), chainId: 1)
        }
        #expect(throws: BridgeClientError.noContract(bridge)) { try read(FakeBridge(code: .text("0x"))) }
    }

    @Test func `an inbox that can neither be counted nor read is no empty one`() throws {
        let error = #expect(throws: BridgeClientError.self) { try read(FakeBridge()) }
        guard case .unexpectedAnswer("getOnboarding", _) = error else { return unexpected(error) }
    }

    @Test func `a count beyond 64 bits is unusable`() throws {
        let fake = FakeBridge().with(TEEBridge.onboardingCount, .text("0x" + String(repeating: "ff", count: 32)))
        let error = #expect(throws: BridgeClientError.self) { try read(fake) }
        guard case .unexpectedAnswer("onboardingCount", _) = error else { return unexpected(error) }
    }

    @Test func `a message that cannot be read stops the reading, after those before its batch`() throws {
        var fake = FakeBridge().withInbox(count: 60)
        fake.answers[TEEBridge.onboardingMessage.selector.bytes] = { arguments in
            let index = UInt64(arguments.last ?? 0)
            return index == 55 ? .error(-32000, "no") : .text(message(index).hex)
        }
        try fake.run { _, client throws in
            let snapshot = try client.poll(Self.member, for: nil, beyond: 0)
            #expect(
                try snapshot.read(Array(0..<60), nil).map(\.fingerprint.index) == Array(0..<50))
            #expect(
                throws: BridgeClientError.node(
                    .methodFailed("eth_call", .response(code: -32000, message: "no", data: nil)))
            ) {
                try snapshot.read(Array(50..<60), nil)
            }
        }
    }
}

extension BridgeClient {
    /// The messages of an inbox from an index on, all of which can be read.
    fileprivate func messages(
        of member: Bytes32, from first: UInt64
    ) throws -> [(index: UInt64, from: Bytes32, payload: [UInt8])] {
        let snapshot = try poll(member, for: nil, beyond: first)
        var entries: [InboxEntry] = []
        while first < snapshot.count, first + UInt64(entries.count) < snapshot.count {
            entries += try snapshot.read(
                Array((first + UInt64(entries.count))..<snapshot.count), entries.last?.fingerprint)
        }
        return try entries.map { ($0.fingerprint.index, $0.from, try $0.payload.get()) }
    }
}
