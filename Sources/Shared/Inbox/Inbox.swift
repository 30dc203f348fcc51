package import BridgeClient
import ECIES
package import Failures
package import Primitives
package import Secp256k1
import Secrets

/// A member's inbox, opened with the member's key.
package final class Inbox {
    private let client: any BridgeReader
    private let key: SecretKey
    /// The member that the key makes.
    package let member: Bytes32

    package init(_ client: any BridgeReader, key: consuming SecretKey) {
        self.client = client
        member = Keccak256.hash(key.publicKey.compressed)
        self.key = key
    }

    /// Opens the messages from an index on, in their order.
    ///
    /// Anybody can post anything: a message that does not open is handed to `unopened`, and the next one is read.
    /// - Throws: `BridgeClientError`, `NodeError`, `ProvenStateError`, and what the closures throw.
    package func forEachMessage(
        from first: UInt64, opened: (borrowing InboxMessage) throws -> Void,
        unopened: (_ index: UInt64, _ reason: any Failure) throws -> Void
    ) throws {
        try client.forEachMessage(
            of: member, from: first,
            { message in
                let payload: SecretBytes
                do throws(ECIESError) {
                    payload = try ECIES.standard.open(message.payload.span, with: key)
                } catch {
                    try unopened(message.index, error)
                    return
                }
                try opened(InboxMessage(member: member, index: message.index, from: message.from, payload: payload))
            }, unread: unopened)
    }
}
