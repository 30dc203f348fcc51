package import Primitives
package import Secp256k1

/// The proof with which a CVM becomes a member of the TEEBridge: a signature by its derived key over a fixed message,
/// and the chain of signatures from that key up to a KMS root.
///
/// A value of this type holds: every signature was checked, and every member is recomputed. It does not prove that
/// the KMS root is one to trust, nor when it was made.
package struct Proof: Equatable, Sendable {
    /// The text whose hash every proof signs.
    package static let message = "tee-bridge-register"
    /// What the derived key must have been asked for.
    package static let purpose = "ethereum"
    /// The path of the derived key.
    package static let path = "/bridge"
    /// Keccak-256 of ``message``.
    package static let messageHash = Keccak256.hash(Array(message.utf8))

    /// The signature over the message, by the derived key, as a wallet signs (EIP-191).
    package let messageSignature: RecoverableSignature
    /// The chain from the derived key to the KMS root.
    package let chain: SignatureChain

    /// - Throws: ``ProofError/wrongMessageSigner(expected:recovered:)`` unless the derived key signed the message,
    ///   ``ProofError/invalidSignature(member:_:)``.
    package init(messageSignature: RecoverableSignature, chain: SignatureChain) throws(ProofError) {
        let signer = try SignatureChain.signer(
            of: Self.messagePrehash, messageSignature, member: "message_signature")
        guard signer == chain.derivedKey else {
            throw .wrongMessageSigner(expected: chain.derivedKey.address, recovered: signer.address)
        }
        guard chain.purpose == Self.purpose else { throw .wrongPurpose(actual: chain.purpose) }
        self.messageSignature = messageSignature
        self.chain = chain
    }

    /// Makes the proof with the derived key itself: what a CVM does.
    ///
    /// - Throws: ``ProofError`` where the chain is not that of the key.
    package init(signedBy key: borrowing SecretKey, chain: SignatureChain) throws(ProofError) {
        try self.init(messageSignature: key.sign(prehash: Self.messagePrehash), chain: chain)
    }

    /// What the derived key signs: Keccak-256 of the EIP-191 prefix for 32 bytes and ``messageHash``.
    package static let messagePrehash = Keccak256.hash(
        Array("\u{19}Ethereum Signed Message:\n32".utf8) + messageHash.bytes)

    /// The member that the proof makes: Keccak-256 of the derived key's 33 bytes.
    package var memberId: Bytes32 { Keccak256.hash(chain.derivedKey.compressed) }

    /// The code that the contract allow-lists: the app id and 12 zero bytes.
    package var codeId: Bytes32 { Bytes32(checked: chain.appId.bytes + [UInt8](repeating: 0, count: 12)) }

    /// The address of the KMS root that the signatures lead to.
    package var kmsRoot: Address { chain.kmsRoot.address }
}
