import Envelope
import Glibc
import Inbox
import Primitives
import Secp256k1
import SecretMemory
import Testing

/// Signed messages, beyond what the programs' tests show.
@Suite(.timeLimit(.minutes(1)))
struct SignedMessageTests {
    private static func signerKey() throws -> SecretKey {
        try SecretKey(SecretBytes(copying: [UInt8](repeating: 0x11, count: 32)))
    }

    /// A sealed message from the signer, sound for the bridge of the tests.
    private static func signed(_ text: String) throws -> [UInt8] {
        let key = try signerKey()
        let header = try EnvelopeHeader(
            chainId: 1, bridge: Address(checked: [UInt8](repeating: 0xB1, count: 20)), from: key.publicKey.memberId,
            to: testKey().publicKey.memberId)
        let bytes = Array(text.utf8)
        let envelope = Envelope.wrap(bytes.span, header, signedWith: key)
        return try sealed(envelope.withBytes { span in span.indices.map { span[$0] } })
    }

    @Test func `a message whose delivery failed is read again, and one that was delivered is not`() throws {
        let from = try Self.signerKey().publicKey.memberId
        let payload = try Self.signed("a")
        try withInbox([payload, payload], from: from) { test throws in
            let inbox = test.inbox
            for _ in 0..<2 {
                try inbox.beginPoll(triesWaiting: true)
                guard let message = try inbox.next() else { throw Missing() }
                let isAuthenticated = message.isAuthenticated
                #expect(isAuthenticated)
                inbox.resolve(.refused)
                guard try inbox.next() == nil else { throw Missing() }
                #expect(inbox.end == .blocked)
            }
            let readings = try test.poll()
            guard readings.count == 2, case .opened = readings[0], case .refused(let reason) = readings[1],
                reason.contains("message 1 "), reason.contains("delivered")
            else { throw Missing() }
        }
    }

    @Test func `what was seen before is not delivered by another inbox`() throws {
        let from = try Self.signerKey().publicKey.memberId
        let payload = try Self.signed("a")
        let path = "/tmp/teebridge-signed-\(getpid()).json"
        defer { for file in [path, "\(path).lock"] { unsafe unlink(file) } }
        for payloads in [[payload], [payload, payload]] {
            let file = try InboxStateFile(path)
            let readings = try withInbox(payloads, from: from, keptIn: file) { try $0.poll() }
            #expect(readings.count == 1)
            if payloads.count == 2 {
                guard case .refused(let reason)? = readings.first, reason.contains("message 1 ") else {
                    throw Missing()
                }
            }
        }
    }
}
