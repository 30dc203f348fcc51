import CSecp256k1
package import Primitives

/// An ECDSA signature from which the signer's key can be recovered: 65 bytes, r(32) || s(32) || v(1), big-endian.
///
/// v is the recovery id, 0 or 1; 27 and 28, Ethereum's older form, are read as 0 and 1.
package struct RecoverableSignature: Hashable, Sendable {
    /// r, 32 bytes.
    package let r: Bytes32
    /// s, 32 bytes.
    package let s: Bytes32
    /// The parity of the nonce point's y: the recovery id, 0 or 1.
    package let yParity: UInt8

    /// - Throws: ``Secp256k1Error/wrongSignatureLength(actual:)``, ``Secp256k1Error/invalidRecoveryByte(_:)``,
    ///   ``Secp256k1Error/invalidSignature`` for r or s out of range. A high s is no error here; see ``isLowS``.
    package init(_ bytes: some Collection<UInt8>) throws(Secp256k1Error) {
        let bytes = Array(bytes)
        guard bytes.count == 65, let v = bytes.last else { throw .wrongSignatureLength(actual: bytes.count) }
        switch v {
        case 0, 1: yParity = v
        case 27, 28: yParity = v - 27
        default: throw .invalidRecoveryByte(v)
        }
        r = Bytes32(checked: Array(bytes[0..<32]))
        s = Bytes32(checked: Array(bytes[32..<64]))
        _ = try parsed()
    }

    init(_ signature: secp256k1_ecdsa_recoverable_signature) {
        var signature = signature
        var compact = [UInt8](repeating: 0, count: 64)
        var recoveryID: Int32 = 0
        _ = unsafe secp256k1_ecdsa_recoverable_signature_serialize_compact(
            Context.shared.pointer, &compact, &recoveryID, &signature)
        r = Bytes32(checked: Array(compact[0..<32]))
        s = Bytes32(checked: Array(compact[32..<64]))
        yParity = UInt8(truncatingIfNeeded: recoveryID & 1)
    }

    /// r || s || recovery id: 65 bytes, as the dstack guest agent writes them.
    package var bytes: [UInt8] { r.bytes + s.bytes + [yParity] }

    /// r || s || 27 or 28: 65 bytes, as wallets write the signature of a message.
    package var walletBytes: [UInt8] { r.bytes + s.bytes + [yParity + 27] }

    /// Whether s is at most n / 2, the one form of the two that Ethereum accepts in transactions (EIP-2).
    package var isLowS: Bool {
        var signature = secp256k1_ecdsa_signature()
        var recoverable = (try? parsed()) ?? secp256k1_ecdsa_recoverable_signature()
        _ = unsafe secp256k1_ecdsa_recoverable_signature_convert(Context.shared.pointer, &signature, &recoverable)
        return unsafe secp256k1_ecdsa_signature_normalize(Context.shared.pointer, nil, &signature) == 0
    }

    /// The key that signed `prehash`.
    ///
    /// - Throws: ``Secp256k1Error/invalidSignature`` if there is none.
    package func recover(prehash: Bytes32) throws(Secp256k1Error) -> PublicKey {
        var signature = try parsed()
        var point = secp256k1_pubkey()
        guard unsafe secp256k1_ecdsa_recover(Context.shared.pointer, &point, &signature, prehash.bytes) == 1 else {
            throw .invalidSignature
        }
        return PublicKey(point: point)
    }

    private func parsed() throws(Secp256k1Error) -> secp256k1_ecdsa_recoverable_signature {
        var signature = secp256k1_ecdsa_recoverable_signature()
        let isParsed = unsafe secp256k1_ecdsa_recoverable_signature_parse_compact(
            Context.shared.pointer, &signature, r.bytes + s.bytes, Int32(yParity))
        guard isParsed == 1, r != .zero, s != .zero else { throw .invalidSignature }
        return signature
    }
}
