import ECIES
import Envelope
import Primitives
import Secp256k1

/// What makes a text a message: the settings of eciespy, and who signs.
struct Sealer: ~Copyable, Sendable {
    let ecies: ECIES
    let signer: Signer?

    /// The member that signs, and where its signature holds.
    struct Signer: ~Copyable, Sendable {
        let key: SecretKey
        let bridge: Address
        let chainId: UInt64
    }

    /// How many bytes a message has beyond its text, in front of it.
    var overhead: Int { ecies.overhead + (signer == nil ? 0 : Envelope.overhead) }

    /// The member that signs; nil if none does.
    var sender: Bytes32? {
        switch signer {
        case .some(let signer): signer.key.publicKey.memberId
        case .none: nil
        }
    }

    /// Begins to seal a text that comes in pieces, behind ``overhead`` bytes; nil where it is signed, for which the
    /// whole of it is needed.
    ///
    /// - Throws: ``ECIESError``.
    func sealing(to recipient: PublicKey) throws(ECIESError) -> Sealing? {
        switch signer {
        case .some: nil
        case .none: try ecies.sealing(to: recipient)
        }
    }

    /// Seals a text where it stands, behind ``overhead`` bytes.
    ///
    /// - Throws: ``EnvelopeError``, ``ECIESError``; the text is then still a secret.
    func sealInPlace(_ message: inout MutableSpan<UInt8>, to recipient: PublicKey) throws {
        switch signer {
        case .some(let signer):
            let header = try EnvelopeHeader(
                chainId: signer.chainId, bridge: signer.bridge, from: signer.key.publicKey.memberId,
                to: recipient.memberId)
            Envelope.wrapInPlace(&message, from: ecies.overhead, header, signedWith: signer.key)
        case .none: break
        }
        try ecies.sealInPlace(&message, to: recipient)
    }
}
