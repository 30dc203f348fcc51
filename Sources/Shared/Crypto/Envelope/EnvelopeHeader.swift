import Ciphers
package import Primitives
package import Secp256k1

/// What a signed message says of itself beside its payload.
package struct EnvelopeHeader: Hashable, Sendable {
    /// The chain of the bridge.
    package let chainId: UInt64
    /// The contract that the message goes through.
    package let bridge: Address
    /// The member that sends, and signs.
    package let from: Bytes32
    /// The member that it is for.
    package let to: Bytes32
    /// What tells the message from all others of its sender.
    package let messageId: Bytes32

    package init(chainId: UInt64, bridge: Address, from: Bytes32, to: Bytes32, messageId: Bytes32) {
        self.chainId = chainId
        self.bridge = bridge
        self.from = from
        self.to = to
        self.messageId = messageId
    }

    /// A header with a random message id.
    ///
    /// - Throws: ``EnvelopeError/noRandomness(_:)``.
    package init(chainId: UInt64, bridge: Address, from: Bytes32, to: Bytes32) throws(EnvelopeError) {
        let random: [UInt8]
        do throws(CipherError) { random = try RandomBytes.array(count: Bytes32.byteCount) } catch {
            throw .noRandomness(error.description)
        }
        self.init(chainId: chainId, bridge: bridge, from: from, to: to, messageId: Bytes32(checked: random))
    }
}

extension PublicKey {
    /// The id of the member that has this key: the Keccak-256 hash of its 33 bytes.
    package var memberId: Bytes32 { Keccak256.hash(compressed) }
}
