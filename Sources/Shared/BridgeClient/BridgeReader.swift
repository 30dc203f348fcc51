package import Primitives
package import Secp256k1

/// Something that reads a TEEBridge contract.
package protocol BridgeReader {
    /// The contract.
    var bridge: Address { get }

    /// The chain of the contract: the one that the operator named, else what the nodes say.
    ///
    /// - Throws: what the nodes' answers fail with.
    func chain() throws -> UInt64

    /// A member's public key.
    ///
    /// - Throws: ``BridgeClientError``, and what the nodes' answers fail with.
    func publicKey(of member: Bytes32) throws -> PublicKey

    /// The messages of a member's inbox from an index on, in their order.
    ///
    /// - Parameters:
    ///   - body: called with each message as soon as it was read.
    ///   - unread: called in its place for a message that cannot be read, which is no reason not to read the next:
    ///     anybody can post anything.
    /// - Throws: ``BridgeClientError``, what the nodes' answers fail with, and what the closures throw.
    func forEachMessage(
        of member: Bytes32, from first: UInt64, _ body: (BridgeClient.Message) throws -> Void,
        unread: (_ index: UInt64, _ reason: BridgeClientError) throws -> Void
    ) throws
}

extension BridgeClient: BridgeReader {
    package func forEachMessage(
        of member: Bytes32, from first: UInt64, _ body: (Message) throws -> Void,
        unread: (_ index: UInt64, _ reason: BridgeClientError) throws -> Void
    ) throws {
        try forEachMessage(of: member, from: first, body)
    }
}
