import Ciphers
package import Primitives
package import Secp256k1

/// What a signed message contains besides its payload.
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

/// The typed data (EIP-712) that a sender signs.
///
///     EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)
///     OnboardingMessage(bytes32 fromMember,bytes32 toMember,bytes32 messageId,bytes payload)
extension EnvelopeHeader {
    /// EIP-712: `"\x19\x01" ‖ domainSeparator ‖ hashStruct(message)`, of which the hash is taken.
    ///
    /// - Parameter payloadHash: the Keccak-256 hash of the payload; `bytes` are encoded as their hash.
    /// - Returns: the hash that the signature is over.
    package func digest(payloadHash: Bytes32) -> Bytes32 {
        let message = Self.hash(of: [Self.messageType, from, to, messageId, payloadHash])
        return Keccak256.hash([0x19, 0x01] + domainSeparator.bytes + message.bytes)
    }

    /// The hash of the domain: the bridge on its chain.
    private var domainSeparator: Bytes32 {
        Self.hash(of: [
            Self.domainType, Self.hash(of: "TEEBridge"), Self.hash(of: "1"), UInt256(chainId).word,
            Bytes32(checked: [UInt8](repeating: 0, count: 12) + bridge.bytes),
        ])
    }

    private static let domainType = hash(
        of: "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")

    private static let messageType = hash(
        of: "OnboardingMessage(bytes32 fromMember,bytes32 toMember,bytes32 messageId,bytes payload)")

    private static func hash(of text: String) -> Bytes32 { Keccak256.hash(text.utf8) }

    private static func hash(of words: [Bytes32]) -> Bytes32 { Keccak256.hash(words.flatMap(\.bytes)) }
}

/// What a reader knows of a message before opening it, and what its envelope must therefore say.
package struct EnvelopeExpectation: Hashable, Sendable {
    /// The reader.
    package let to: Bytes32
    /// The claimed sender; nil if there is none.
    package let from: Bytes32?
    /// The contract that the message came through; nil if that is not known.
    package let bridge: Address?
    /// That contract's chain; nil if it is not known.
    package let chainId: UInt64?

    package init(to: Bytes32, from: Bytes32?, bridge: Address?, chainId: UInt64?) {
        self.to = to
        self.from = from
        self.bridge = bridge
        self.chainId = chainId
    }

    /// Checks that a message was made for this reader, this way, by its claimed sender.
    ///
    /// - Throws: ``EnvelopeError/otherRecipient(named:expected:)``, ``EnvelopeError/otherBridge(named:expected:)``,
    ///   ``EnvelopeError/otherChain(named:expected:)``, ``EnvelopeError/otherSender(signed:said:)``.
    package func check(_ header: EnvelopeHeader) throws(EnvelopeError) {
        guard header.to == to else { throw .otherRecipient(named: header.to, expected: to) }
        if let chainId, header.chainId != chainId { throw .otherChain(named: header.chainId, expected: chainId) }
        if let bridge, header.bridge != bridge { throw .otherBridge(named: header.bridge, expected: bridge) }
        if let from, header.from != from { throw .otherSender(signed: header.from, said: from) }
    }
}
