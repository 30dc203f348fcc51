package import Primitives

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
            Self.domainType, Self.hash(of: "TEEBridge"), Self.hash(of: "1"), Quantity(chainId).word,
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
