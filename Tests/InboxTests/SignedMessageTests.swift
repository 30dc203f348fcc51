import Envelope
import Inbox
import Primitives
import Secp256k1
import Secrets
import Testing

/// Signed messages, beyond what the programs' tests show.
@Suite(.timeLimit(.minutes(1)))
struct SignedMessageTests {
    private struct Undelivered: Error {}

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
        try withInbox([Self.signed("a")], from: from) { inbox throws in
            #expect(throws: Undelivered.self) {
                try inbox.forEachMessage(from: 0) { _ in
                    throw Undelivered()
                } refused: { _, reason in
                    throw reason
                }
            }
            #expect(inbox.seen == SeenMessages())
            var delivered: [Bool] = []
            for _ in 0..<2 {
                try inbox.forEachMessage(from: 0) {
                    delivered.append($0.isAuthenticated)
                } refused: { index, reason in
                    guard case .refused(.replayed) = reason else { throw reason }
                    #expect(index == 0)
                }
            }
            #expect(delivered == [true])
            #expect(inbox.seen.entries.count == 1)
        }
    }

    @Test func `what was seen before is not delivered by another inbox`() throws {
        let from = try Self.signerKey().publicKey.memberId
        let payload = try Self.signed("a")
        let seen = try withInbox([payload], from: from) { inbox throws in
            try inbox.forEachMessage(from: 0) { _ in
            } refused: { _, reason in
                throw reason
            }
            return inbox.seen
        }
        #expect(seen.entries.map(\.from) == [from])
        #expect(throws: EnvelopeError.self) {
            try seen.check(
                EnvelopeHeader(
                    chainId: 1, bridge: .zero, from: from, to: .zero,
                    messageId: try #require(seen.entries.first).messageId))
        }
    }
}
