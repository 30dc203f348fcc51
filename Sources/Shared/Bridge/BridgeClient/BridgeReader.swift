package import Primitives
package import Secp256k1

/// Something that reads a TEEBridge contract.
package protocol BridgeReader {
    /// The contract.
    var bridge: Address { get }

    /// The chain of the contract: the one that the operator named, or the nodes'. Throws ``BridgeClientError``.
    func chain() throws(BridgeClientError) -> UInt64

    /// The public keys of members, in their order. Throws ``BridgeClientError`` for the first that has none.
    func publicKeys(of members: [Bytes32]) throws(BridgeClientError) -> [PublicKey]

    /// Polls a member's inbox: how many messages there are, and what is in the place of one that was read. Of the
    /// messages, those beyond the known ones must be as deep as is asked for. Throws ``BridgeClientError``.
    func poll(
        _ member: Bytes32, for fingerprint: MessageFingerprint?, beyond known: UInt64
    ) throws(BridgeClientError) -> InboxSnapshot
}

/// A member's inbox as one poll found it.
package struct InboxSnapshot {
    /// How many messages there are.
    package let count: UInt64
    /// What stands in the place that was asked about; nil for nothing.
    package let fingerprint: MessageFingerprint?
    /// The number of the newest block that the node shows.
    package let head: UInt64
    /// Reads the first of the messages at some places below ``count``, at least one, at the block of the poll. Throws
    /// ``BridgeClientError/changedMeanwhile(index:)`` unless the message with the fingerprint stands in their chain.
    package let read:
        (_ indices: [UInt64], _ fingerprint: MessageFingerprint?) throws(BridgeClientError) -> [InboxEntry]
}

/// The content of one place of an inbox.
package struct InboxEntry: Sendable {
    /// The message's place, and what it is known by again.
    package let fingerprint: MessageFingerprint
    /// The claimed sender; anyone may have written it.
    package let from: Bytes32
    /// The sealed bytes, or why they are not read: anybody can post anything.
    package let payload: Result<[UInt8], BridgeClientError>
}

/// What a message is known by again where a chain may replace its newest blocks (a reorganisation): asking whether it
/// still stands costs three words of storage, however it is kept. The first 32 bytes of a sealed message are of a key
/// that was made for it alone.
package struct MessageFingerprint: Hashable, Sendable {
    /// The message's place in the inbox, from 0.
    package let index: UInt64
    /// Keccak-256 of the sender, the payload's length as a word, and its first 32 bytes with zeros behind a shorter
    /// one. Of a message whose length no compiler writes: of the three words that stand for these.
    package let digest: Bytes32

    /// A fingerprint that was kept.
    package init(index: UInt64, digest: Bytes32) { (self.index, self.digest) = (index, digest) }

    /// - Parameter start: the payload, or at least 32 bytes of a longer one.
    init(index: UInt64, from: Bytes32, count: UInt64, start: some Sequence<UInt8>) {
        let first = Array(start.prefix(Bytes32.byteCount))
        let padding = [UInt8](repeating: 0, count: Bytes32.byteCount - first.count)
        self.init(index: index, digest: Keccak256.hash(from.bytes + UInt256(count).word.bytes + first + padding))
    }
}
