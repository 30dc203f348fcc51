import ABI
import BigInt
import BridgeClient
import ECIES
import Failures
import FakeNode
import Inbox
import JSON
import Node
import Primitives
import Secp256k1
import Secrets
import TEEBridge
import Testing

let sender = Bytes32(checked: [UInt8](repeating: 0x5E, count: 32))

func testKey() throws -> SecretKey { try SecretKey(SecretBytes(copying: [UInt8](repeating: 0x46, count: 32))) }

/// A text sealed to the test key.
func sealed(_ text: [UInt8]) throws -> [UInt8] {
    try ECIES.standard.seal(text.span, to: testKey().publicKey)
}

/// Runs `body` with the inbox of the test key on a bridge that has these messages, said to come from one member.
func withInbox<Result>(_ payloads: [[UInt8]], from sender: Bytes32 = sender, _ body: (Inbox) throws -> Result) throws
    -> Result
{
    let messages = try payloads.map { payload in
        try ABI.encode([.word(sender), .bytes(payload)], as: [.fixedBytes(.word), .bytes]).hex
    }
    return try withFakeNode({ call in
        let data = (try? Hex.decode(call.request?["data"]?.string ?? "")) ?? []
        return switch (call.method, Array(data.prefix(4))) {
        case ("eth_chainId", _): .text("0x1")
        case ("eth_blockNumber", _): .text("0x10")
        case ("eth_call", TEEBridge.onboardingCount.selector.bytes):
            .text(Quantity(UInt64(messages.count)).word.hex)
        case ("eth_call", TEEBridge.onboardingMessage.selector.bytes): .text(messages[Int(data.last ?? 0)])
        default: .error(3, "execution reverted")
        }
    }) { _, node in
        let bridge = Address(checked: [UInt8](repeating: 0xB1, count: 20))
        return try body(Inbox(BridgeClient(node, bridge: bridge, chainId: nil), key: testKey()))
    }
}

/// What came of a message: its document, or why it does not open.
private enum Reading: Equatable {
    case opened(String)
    case refused(UInt64, InboxError)
}

/// The messages of an inbox from an index on.
private func read(_ payloads: [[UInt8]], from first: UInt64 = 0) throws -> [Reading] {
    try withInbox(payloads) { inbox in
        var readings: [Reading] = []
        try inbox.forEachMessage(from: first) { message in
            readings.append(.opened(text(of: message, as: .json)))
        } refused: { index, reason in
            readings.append(.refused(index, reason))
        }
        return readings
    }
}

@Suite(.timeLimit(.minutes(1)))
struct InboxTests {
    @Test func `the member is the hash of the key's 33 bytes`() throws {
        try withInbox([]) { inbox throws in
            let expected = Keccak256.hash(try testKey().publicKey.compressed)
            #expect(inbox.member == expected)
        }
    }

    @Test func `garbage is told with its reason, and the next message is read`() throws {
        let member = Keccak256.hash(try testKey().publicKey.compressed)
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
        #expect(
            try read(payloads) == [
                document(0, "first"), .refused(1, .unopened(.tooShort(actual: 0, least: least))),
                .refused(2, .unopened(.tooShort(actual: 3, least: least))),
                .refused(3, .unopened(.invalidEphemeralKey)),
                .refused(4, .unopened(.doesNotOpen)), .refused(5, .unopened(.doesNotOpen)), document(6, "last"),
            ])
        #expect(try read(payloads, from: 5) == [.refused(5, .unopened(.doesNotOpen)), document(6, "last")])
        #expect(try read(payloads, from: 7).isEmpty)
    }

    @Test func `what a closure throws ends the reading`() throws {
        struct Enough: Error {}
        let payloads = try [sealed([]), [0], sealed([])]
        try withInbox(payloads) { inbox throws in
            var openedCount = 0
            #expect(throws: Enough.self) {
                try inbox.forEachMessage(from: 0) { _ in
                    openedCount += 1
                } refused: { _, _ in
                    throw Enough()
                }
            }
            #expect(openedCount == 1)
            #expect(throws: Enough.self) {
                try inbox.forEachMessage(from: 1) { _ in
                    throw Enough()
                } refused: { _, _ in
                }
            }
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
        try withInbox([sealed(payload)]) { inbox in
            var shown = (document: "", line: "")
            try inbox.forEachMessage(from: 0) { message in
                shown = (text(of: message, as: .json), text(of: message, as: .text))
            } refused: { _, reason in
                throw reason
            }
            return shown
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
