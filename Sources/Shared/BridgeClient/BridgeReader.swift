package import Primitives
package import Secp256k1

/// Something that reads a TEEBridge contract.
package protocol BridgeReader {
    /// The contract.
    var bridge: Address { get }

    /// The chain of the contract: the one that the operator named, else what the nodes say.
    ///
    /// - Throws: ``BridgeClientError``.
    func chain() throws(BridgeClientError) -> UInt64

    /// The public keys of members, in their order.
    ///
    /// - Throws: ``BridgeClientError`` for the first that has none.
    func publicKeys(of members: [Bytes32]) throws(BridgeClientError) -> [PublicKey]

    /// The messages of a member's inbox from an index on, in their order.
    ///
    /// Whoever reads again and again hands in the mark of the last message that it is done with, and is told when that
    /// message is no longer the one that it was:
    /// - ``BridgeClientError/replaced(index:)``: another stands in its place, since the chain was reorganised. Those
    ///   before it may have been replaced as well: try the mark of an older one, with `first` behind it, until one
    ///   stands, and read on from there; what was delivered under an index and a mark that are still the same need not
    ///   be delivered again.
    /// - ``BridgeClientError/shorter(count:read:)``: there are fewer messages than were read. That may be a node that is
    ///   behind the others for a moment, so it is a failure that may pass; if it stays, older marks tell what still
    ///   stands.
    ///
    /// Nothing was handed on before either of them.
    /// - Parameters:
    ///   - first: the index of the first message that is wanted.
    ///   - mark: the last message that was read, if it is to be seen whether it still stands; its index is below
    ///     `first`.
    ///   - body: called with each message as soon as it was read.
    ///   - unread: called in its place for a message that cannot be read, which is no reason not to read the next:
    ///     anybody can post anything.
    /// - Throws: ``BridgeClientError``, and what the closures throw.
    func forEachMessage(
        of member: Bytes32, from first: UInt64, after mark: MessageMark?,
        _ body: (BridgeClient.Message) throws -> Void,
        unread: (_ index: UInt64, _ reason: BridgeClientError) throws -> Void
    ) throws
}

extension BridgeReader {
    /// The messages of a member's inbox from an index on, whatever became of those before it.
    package func forEachMessage(
        of member: Bytes32, from first: UInt64, _ body: (BridgeClient.Message) throws -> Void,
        unread: (_ index: UInt64, _ reason: BridgeClientError) throws -> Void
    ) throws {
        try forEachMessage(of: member, from: first, after: nil, body, unread: unread)
    }
}

extension MessageMark {
    /// Makes sure that the message still stands.
    ///
    /// - Parameters:
    ///   - found: the mark of what stands in its place now; nil for nothing that is a message.
    ///   - count: how many messages there are now.
    ///   - first: how many were read.
    func check(_ found: MessageMark?, count: UInt64, first: UInt64) throws(BridgeClientError) {
        guard count > index, count >= first else { throw .shorter(count: count, read: first) }
        guard found == self else { throw .replaced(index: index) }
    }
}
