import EthereumNode
package import Primitives
package import Secp256k1

/// Something that reads a TEEBridge contract.
package protocol BridgeReader {
    /// The contract.
    var bridge: Address { get }

    /// The chain of the contract: the one that the operator named, or the nodes'.
    ///
    /// - Throws: ``BridgeClientError``.
    func chain() throws(BridgeClientError) -> UInt64

    /// The public keys of members, in their order.
    ///
    /// - Throws: ``BridgeClientError`` for the first that has none.
    func publicKeys(of members: [Bytes32]) throws(BridgeClientError) -> [PublicKey]

    /// Looks at a member's inbox: how many messages there are, and what is in the place of one that was read.
    ///
    /// - Parameters:
    ///   - mark: the message that is looked for, if any.
    ///   - known: how many messages were read. Where a message must be some blocks deep, only those beyond are counted
    ///     at that depth, so that a look that finds nothing new is one request.
    /// - Throws: ``BridgeClientError``.
    func look(
        at member: Bytes32, for mark: MessageFingerprint?, beyond known: UInt64
    ) throws(BridgeClientError) -> InboxSnapshot
}

/// A member's inbox as one look found it.
package struct InboxSnapshot {
    /// How many messages there are.
    package let count: UInt64
    /// The fingerprint of the message in the place in question; nil if there is none.
    package let mark: MessageFingerprint?
    /// The number of the newest block that the node shows.
    package let head: UInt64
    /// How the messages are read, at the block of the look.
    var source: any MessageSource

    /// The messages at some places: a batch of bounded size of the first of them, at least one, in their order.
    ///
    /// - Parameters:
    ///   - indices: the places, all different and below ``count``.
    ///   - mark: a message that must still stand in the chain that the batch comes from.
    /// - Throws: ``BridgeClientError``, with ``BridgeClientError/changedMeanwhile(index:)`` where that message does not.
    package mutating func entries(
        at indices: [UInt64], after mark: MessageFingerprint?
    ) throws(BridgeClientError) -> [InboxEntry] {
        try source.entries(at: indices, after: mark)
    }
}

/// The content of one place of an inbox.
package enum InboxEntry: Equatable, Sendable {
    /// A message.
    case message(BridgeClient.Message)
    /// A message that is not read, and why: anyone can post anything.
    case unreadable(MessageFingerprint, BridgeClientError)

    /// What it is known by again.
    package var mark: MessageFingerprint {
        switch self {
        case .message(let message): message.mark
        case .unreadable(let mark, _): mark
        }
    }
}

/// A way to read the messages of one inbox at one block.
protocol MessageSource {
    /// See ``InboxSnapshot/entries(at:after:)``.
    mutating func entries(
        at indices: [UInt64], after mark: MessageFingerprint?
    ) throws(BridgeClientError) -> [InboxEntry]
}

/// What a message is known by again, in constant size: whether the message that was read last still stands where it
/// stood can be asked along with the number of messages, and costs three words of storage.
///
/// A chain may replace its newest blocks (a reorganisation), and an inbox then holds other messages than were read, in
/// their places. The mark has the sender, the payload's length and its first 32 bytes, which for a sealed message are
/// of a key that was made for it alone. Neither the hash of a payload, which would have to be read whole, nor that of a
/// block would do: a block comes with the hashes of all its transactions, its header alone (eth_getHeaderByNumber) is
/// not offered everywhere, and where the hash has changed the messages need not have.
///
/// It does not depend on how a contract keeps its messages, or on who read them.
package struct MessageFingerprint: Hashable, Sendable {
    /// The message's place in the inbox, from 0.
    package let index: UInt64
    /// Keccak-256 of the sender, the payload's length as a word, and its first 32 bytes with zeros behind a shorter
    /// one. Of a message whose length no compiler writes: of the three words that stand for these.
    package let digest: Bytes32

    /// A mark that was kept.
    package init(index: UInt64, digest: Bytes32) {
        self.index = index
        self.digest = digest
    }

    /// - Parameter start: the payload, or as many of its bytes as there are at hand, at least 32 of a longer one.
    init(index: UInt64, from: Bytes32, count: UInt64, start: some Sequence<UInt8>) {
        let first = Array(start.prefix(Bytes32.byteCount))
        let padding = [UInt8](repeating: 0, count: Bytes32.byteCount - first.count)
        self.index = index
        digest = Keccak256.hash(from.bytes + Quantity(count).word.bytes + first + padding)
    }
}

/// After which block an inbox is read: the newer, the sooner a message is seen; the older, the surer it stays.
package enum BlockSelector: Sendable, Equatable {
    /// The newest block with this many confirmations, itself counted: 1 is the newest of all. At least 1.
    case newest(confirmations: UInt64)
    /// The newest block that the consensus holds for safe, as the node tells it.
    case safe
    /// The newest block that the consensus will not go back on, as the node tells it.
    case finalized

    /// The newest block of all.
    package static let latest = BlockSelector.newest(confirmations: 1)

    /// The newest state that can matter: anything absent has not been posted, or has too few confirmations.
    var newestTag: BlockTag {
        switch self {
        case .newest: .latest
        case .safe: .safe
        case .finalized: .finalized
        }
    }

    /// The block that messages are read at.
    func tag(head: UInt64) -> BlockTag {
        guard case .newest(let confirmations) = self else { return newestTag }
        return .number(head - min(head, max(confirmations, 1) - 1))
    }
}
