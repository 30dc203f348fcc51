import ABI
import BridgeClient
import Console
import ECIES
import EthereumNode
import Failures
import FakeNode
import Inbox
import JSON
import Primitives
import Secp256k1
import SecretMemory
import TEEBridge
import Testing

let sender = Bytes32(checked: [UInt8](repeating: 0x5E, count: 32))

func testKey() throws -> SecretKey { try SecretKey(SecretBytes(copying: [UInt8](repeating: 0x46, count: 32))) }

/// A text sealed to the test key.
func sealed(_ text: [UInt8]) throws -> [UInt8] {
    try ECIES.standard.seal(text.span, to: testKey().publicKey)
}

/// Runs `body` with the inbox of the test key on a bridge that has these messages, said to come from one member.
func withInbox<Result>(
    _ payloads: [[UInt8]], from sender: Bytes32 = sender, rules: Inbox.Rules = Inbox.Rules(),
    keptIn file: InboxStateFile? = nil, _ body: (TestInbox) throws -> Result
) throws -> Result {
    let messages = try payloads.map { payload in
        try ABI.encode([.word(sender), .bytes(payload)], as: [.fixedBytes(.word), .bytes]).hex
    }
    return try withFakeNode({ call in
        let data = (try? Hex.decode(call.request?["data"]?.string ?? "")) ?? []
        return switch (call.method, Array(data.prefix(4))) {
        case ("eth_chainId", _): .text("0x1")
        case ("eth_blockNumber", _): .text("0x10")
        case ("eth_call", TEEBridge.onboardingCount.selector.bytes):
            .text(UInt256(UInt64(messages.count)).word.hex)
        case ("eth_call", TEEBridge.onboardingMessage.selector.bytes): .text(messages[Int(data.last ?? 0)])
        default: .error(3, "execution reverted")
        }
    }) { _, node in
        let bridge = Address(checked: [UInt8](repeating: 0xB1, count: 20))
        return try body(
            TestInbox(BridgeClient(node, bridge: bridge, chainId: nil), key: testKey(), rules: rules, keptIn: file))
    }
}

/// What came of a message: its document, or why it does not open.
enum Reading: Equatable {
    case opened(String)
    case refused(String)

    static func refused(_ index: UInt64, _ reason: InboxError) throws -> Reading {
        let member = try Keccak256.hash(testKey().publicKey.compressed)
        return .refused("message \(index) (\(member):\(index)): \(reason)")
    }
}

/// An inbox, and what it gave and warned of.
final class TestInbox {
    let inbox: Inbox
    private let log = Log()

    private final class Log { var readings: [Reading] = [] }

    init(_ reader: any BridgeReader, key: consuming SecretKey, rules: Inbox.Rules, keptIn file: InboxStateFile?) {
        inbox = Inbox(
            reader, key: key, rules: rules, keptIn: file,
            warnings: LineLimit("warnings") { [log] in log.readings.append(.refused($0)) })
    }

    /// What one poll gives, where every message is taken.
    func poll() throws -> [Reading] {
        log.readings = []
        try inbox.beginPoll(triesWaiting: true)
        while let message = try inbox.next() {
            log.readings.append(.opened(text(of: message, as: .json)))
            inbox.resolve(.delivered)
        }
        return log.readings
    }
}

/// Something was not given.
struct Missing: Error {}

@Suite(.timeLimit(.minutes(1)))
struct InboxTests {
    @Test func `the member is the hash of the key's 33 bytes`() throws {
        try withInbox([]) { inbox throws in
            let expected = Keccak256.hash(try testKey().publicKey.compressed)
            #expect(inbox.inbox.member == expected)
        }
    }

    @Test func `garbage is told with its reason, and the next message is read`() throws {
        let member = try Keccak256.hash(testKey().publicKey.compressed)
        var forged = try sealed(Array("x".utf8))
        forged[forged.count - 1] ^= 1
        let stranger = try SecretKey(SecretBytes(copying: [UInt8](repeating: 1, count: 32))).publicKey
        let text = Array("x".utf8)
        let misdirected = try ECIES.standard.seal(text.span, to: stranger)
        let noPoint = [UInt8](repeating: 0xFF, count: 200)
        let payloads = try [
            sealed(Array("first".utf8)), [], [1, 2, 3], noPoint, forged, misdirected, sealed(Array("last".utf8)),
        ]
        func document(_ index: Int, _ payload: String) -> Reading {
            .opened(
                #"{"id":"\#(member):\#(index)","member_id":"\#(member)","index":\#(index),"from":"\#(sender)","#
                    + #""payload":"\#(payload)","authenticated":false}"#)
        }
        let least = ECIES.standard.overhead
        let expected: [Reading] = try [
            document(0, "first"), .refused(1, .unopened(.tooShort(actual: 0, least: least))),
            .refused(2, .unopened(.tooShort(actual: 3, least: least))),
            .refused(3, .unopened(.invalidEphemeralKey)),
            .refused(4, .unopened(.doesNotOpen)), .refused(5, .unopened(.doesNotOpen)), document(6, "last"),
        ]
        #expect(try withInbox(payloads) { try $0.poll() } == expected)
    }

    @Test func `what was delivered or refused is not given again, and what was not resolved is`() throws {
        try withInbox([sealed([]), [0], sealed([])]) { test throws in
            let inbox = test.inbox
            try inbox.beginPoll(triesWaiting: true)
            guard let first = try inbox.next() else { throw Missing() }
            let index = first.index
            #expect(index == 0)
            inbox.resolve(.delivered)
            guard let last = try inbox.next() else { throw Missing() }
            let lastIndex = last.index
            #expect(lastIndex == 2)
            // It ends here: as if a program had been ended by a closed pipe.
            #expect(try test.poll().count == 1)
            #expect(try test.poll().isEmpty)
            #expect(inbox.end == .complete)
        }
    }

    @Test func `a poll ends at its deadline, and the next goes on`() throws {
        var rules = Inbox.Rules()
        rules.deadline = .zero
        try withInbox([sealed([])], rules: rules) { inbox throws in
            let error = #expect(throws: InboxError.timedOut(.zero)) { try inbox.poll() }
            #expect(error?.kind == .serviceFailed)
        }
    }

    @Test func `more messages than are read at once are left for the next poll, or are an error`() throws {
        var rules = Inbox.Rules()
        rules.maxMessages = 2
        let payloads = try (0..<5).map { try sealed([$0]) }
        try withInbox(payloads, rules: rules) { inbox throws in
            var counts: [Int] = []
            for end in [InboxReading.End.limited, .limited, .complete, .complete] {
                counts.append(try inbox.poll().count)
                #expect(inbox.inbox.end == end)
            }
            #expect(counts == [2, 2, 1, 0])
        }
        rules.refusesMore = true
        try withInbox(payloads, rules: rules) { inbox throws in
            let error = #expect(throws: InboxError.tooMany(5, limit: 2)) { try inbox.poll() }
            #expect(error?.kind == .badInput)
        }
    }
}

/// What a message is printed as, without the line's end.
private func text(of message: borrowing InboxMessage, as form: InboxMessage.Form) -> String {
    message.document(as: form).withBytes { bytes in
        String(decoding: bytes.indices.dropLast().map { bytes[$0] }, as: UTF8.self)
    }
}

@Suite(.timeLimit(.minutes(1)))
struct InboxMessageTests {
    /// What a message with this payload is shown as: its document, and its line.
    private func shown(_ payload: [UInt8]) throws -> (document: String, line: String) {
        try withInbox([sealed(payload)]) { test in
            let inbox = test.inbox
            try inbox.beginPoll(triesWaiting: true)
            guard let message = try inbox.next() else { throw InboxError.unauthenticated }
            return (text(of: message, as: .json), text(of: message, as: .text))
        }
    }

    private static let digits = String(repeating: "5e", count: 32)

    @Test(
        "the document has text, or hex where the bytes are none",
        arguments: [
            (Array("hello".utf8), #""payload":"hello""#), ([], #""payload":"""#),
            (Array("a\n\"é\u{1B}".utf8), #""payload":"a\n\"é\u001b""#), ([0xFF, 0x00], #""payload_hex":"0xff00""#),
            // Overlong and surrogate forms are no UTF-8.
            ([0xC0, 0x80], #""payload_hex":"0xc080""#), ([0xED, 0xA0, 0x80], #""payload_hex":"0xeda080""#),
        ])
    func document(payload: [UInt8], member: String) throws {
        let id = Keccak256.hash(try testKey().publicKey.compressed).hex
        let expected =
            #"{"id":"\#(id):0","member_id":"\#(id)","index":0,"from":"0x\#(Self.digits)",\#(member),"#
            + #""authenticated":false}"#
        #expect(try shown(payload).document == expected)
    }

    @Test(
        "the reference programs' line cannot be forged by what is in it",
        arguments: [
            (Array("hello world".utf8), "payload=hello world"), ([], "payload="),
            (Array("a\nONBOARDING from=b".utf8), "payload=a\\u{a}ONBOARDING from=b"),
            (Array("\u{1B}[2J\u{202E}\u{2028}".utf8), "payload=\\u{1b}[2J\\u{202e}\\u{2028}"),
            ([0xFF], "payload_hex=0xff"),
        ])
    func line(payload: [UInt8], end: String) throws {
        #expect(try shown(payload).line == "ONBOARDING from=\(Self.digits) \(end)")
    }
}
