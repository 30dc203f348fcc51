import CSecp256k1
import Glibc
package import Primitives
package import SecretMemory

/// A secret key of secp256k1: a number from 1 to n - 1, in memory that it alone owns and wipes.
package struct SecretKey: ~Copyable, Sendable {
    private let bytes: SecretBytes
    /// The public key that belongs to it.
    package let publicKey: PublicKey
    /// The account that the key controls.
    package let address: Address

    /// - Throws: ``Secp256k1Error/invalidSecretKey`` unless the bytes are 32 and the number is in range.
    package init(_ bytes: consuming SecretBytes) throws(Secp256k1Error) {
        let point = bytes.withBytes { secret in
            unsafe secret.withUnsafeBufferPointer { pointer -> secp256k1_pubkey? in
                var point = secp256k1_pubkey()
                guard let base = pointer.baseAddress, pointer.count == 32,
                    unsafe secp256k1_ec_pubkey_create(Context.shared.pointer, &point, base) == 1
                else { return nil }
                return point
            }
        }
        guard let point = point else { throw .invalidSecretKey }
        publicKey = PublicKey(point: point)
        address = publicKey.address
        self.bytes = bytes
    }

    /// A signature over 32 bytes that are a hash already: deterministic (RFC 6979), low s.
    package borrowing func sign(prehash: Bytes32) -> RecoverableSignature {
        let signature = bytes.withBytes { secret in
            unsafe secret.withUnsafeBufferPointer { pointer -> secp256k1_ecdsa_recoverable_signature in
                var signature = secp256k1_ecdsa_recoverable_signature()
                // Cannot fail: the key was checked in init, and RFC 6979 finds a nonce.
                if let base = pointer.baseAddress {
                    _ = unsafe secp256k1_ecdsa_sign_recoverable(
                        Context.shared.pointer, &signature, prehash.bytes, base, nil, nil)
                }
                return signature
            }
        }
        return RecoverableSignature(signature)
    }

    /// The point that this key and another's public key share (ECDH), unhashed: 65 bytes 04, x, y, or 33 compressed.
    package borrowing func sharedPoint(with other: PublicKey, compressed: Bool) -> SecretBytes {
        bytes.withBytes { secret in
            unsafe secret.withUnsafeBufferPointer { pointer in
                var point = other.point
                if let base = pointer.baseAddress {
                    _ = unsafe secp256k1_ec_pubkey_tweak_mul(Context.shared.pointer, &point, base)
                }
                var count = compressed ? 33 : 65
                let format = UInt32(compressed ? SECP256K1_EC_COMPRESSED : SECP256K1_EC_UNCOMPRESSED)
                return SecretBytes(count: count) { target in
                    unsafe target.withUnsafeMutableBufferPointer { buffer in
                        guard let base = buffer.baseAddress else { return }
                        _ = unsafe secp256k1_ec_pubkey_serialize(
                            Context.shared.pointer, base, &count, &point, format)
                        unsafe withUnsafeMutableBytes(of: &point) { shared in
                            if let base = shared.baseAddress { unsafe explicit_bzero(base, shared.count) }
                        }
                    }
                }
            }
        }
    }

    /// Shows the 32 bytes for as long as `body` runs.
    package borrowing func withBytes<Result: ~Copyable, Reason: Error>(
        _ body: (Span<UInt8>) throws(Reason) -> Result
    ) throws(Reason) -> Result {
        try bytes.withBytes(body)
    }
}

/// The library's context: made once, blinded with random bytes against side channels, then only read.
///
/// `@unchecked Sendable`: libsecp256k1 allows any number of threads to use a context that does not change.
@safe
final class Context: @unchecked Sendable {
    static let shared = Context()

    let pointer: OpaquePointer

    private init() {
        // Without memory for a context nothing can be signed or checked: libsecp256k1 itself aborts.
        unsafe pointer = unsafe secp256k1_context_create(UInt32(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY))
        var seed = InlineArray<32, UInt8>(repeating: 0)
        // The blinding is a second line of defence; the library's arithmetic is constant-time without it.
        if unsafe getentropy(&seed, 32) == 0 { _ = unsafe secp256k1_context_randomize(pointer, &seed) }
    }
}
