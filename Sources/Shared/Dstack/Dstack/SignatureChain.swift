package import Primitives
package import Secp256k1

/// The chain of signatures that dstack hands out with a derived key (dstack: kms/src/crypto.rs,
/// guest-agent/src/rpc_service.rs).
///
/// - link 0, by the app key: Keccak-256 of `purpose:` and the derived public key in lower-case hex.
/// - link 1, by the KMS root: Keccak-256 of `dstack-kms-issued:`, the app id (20 bytes) and the app key (33 bytes).
///
/// Neither message has separators that lengths could hide in, so the types fix all lengths; both signatures must have
/// a low s.
package struct SignatureChain: Equatable, Sendable {
    /// The app that the KMS gave the key to.
    package let appId: Address
    /// The purpose of the derived key.
    package let purpose: String
    /// The key at the chain's end.
    package let derivedKey: PublicKey
    /// Link 0.
    package let appSignature: RecoverableSignature
    /// Link 1.
    package let kmsSignature: RecoverableSignature
    /// Who signed link 0.
    package let appKey: PublicKey
    /// Who signed link 1: the KMS root. Whether it is one to trust is another question.
    package let kmsRoot: PublicKey

    /// Recovers both signers.
    ///
    /// Any two signatures recover some keys: a chain means nothing until ``appKey`` or ``kmsRoot`` is compared with
    /// a key that is known from elsewhere.
    /// - Throws: ``ProofError/invalidSignature(member:_:)`` for a high s or where no key can be recovered.
    package init(
        appId: Address, purpose: String, derivedKey: PublicKey, appSignature: RecoverableSignature,
        kmsSignature: RecoverableSignature
    ) throws(ProofError) {
        self.appId = appId
        self.purpose = purpose
        self.derivedKey = derivedKey
        self.appSignature = appSignature
        self.kmsSignature = kmsSignature
        appKey = try Self.signer(
            of: Self.appPrehash(purpose: purpose, derivedKey: derivedKey), appSignature, member: "app_signature")
        kmsRoot = try Self.signer(
            of: Self.kmsPrehash(appId: appId, appKey: appKey), kmsSignature, member: "kms_signature")
    }

    /// What the app key signs for link 0.
    package static func appPrehash(purpose: String, derivedKey: PublicKey) -> Bytes32 {
        Keccak256.hash(Array("\(purpose):\(Hex.encode(derivedKey.compressed, prefixed: false))".utf8))
    }

    /// What the app key signs for link 0 in the v1 API of newer guest agents (dstack: docs/guest-api-v1.md), whose keys
    /// the contract does not know: each part has its length in front, in 4 bytes.
    ///
    /// - Parameter domain: what the key was asked for; it takes the place of path and purpose.
    static func v1AppPrehash(domain: String, derivedKey: PublicKey) -> Bytes32 {
        let parts = ["dstack-guest-v1-key-claim", "secp256k1", domain].map { Array($0.utf8) } + [derivedKey.compressed]
        return Keccak256.hash(parts.flatMap { UInt256(UInt64($0.count)).word.bytes.suffix(4) + $0 })
    }

    /// What the KMS root signs for link 1.
    package static func kmsPrehash(appId: Address, appKey: PublicKey) -> Bytes32 {
        Keccak256.hash(Array("dstack-kms-issued:".utf8) + appId.bytes + appKey.compressed)
    }

    /// The key that made a signature.
    ///
    /// - Parameter member: what the signature is called in an error.
    /// - Throws: ``ProofError/invalidSignature(member:_:)`` if it has a high s, or no key can have made it.
    static func signer(
        of prehash: Bytes32, _ signature: RecoverableSignature, member: String
    ) throws(ProofError) -> PublicKey {
        guard signature.isLowS else { throw .invalidSignature(member: member, .highS) }
        do throws(Secp256k1Error) { return try signature.recover(prehash: prehash) } catch {
            throw .invalidSignature(member: member, error)
        }
    }
}
