package import Failures

/// Why bytes are not a key, a signature or a point of secp256k1.
package enum Secp256k1Error: Failure, Equatable {
    /// Not a number from 1 to n - 1 in 32 bytes.
    case invalidSecretKey
    /// Not a point of the curve in 33 bytes (02, 03) or 65 bytes (04).
    case invalidPublicKey
    /// A public key has 33 bytes, 64 (without the 04) or 65.
    case wrongPublicKeyLength(actual: Int)
    /// A signature has 65 bytes: r, s, v.
    case wrongSignatureLength(actual: Int)
    /// The last byte of a signature must be 0, 1, 27 or 28.
    case invalidRecoveryByte(UInt8)
    /// r or s is zero or not below n, or no key could have made it.
    case invalidSignature
    /// s lies in the upper half of the group, so that the signature has a second form: malleable.
    case highS

    package var kind: FailureKind { .badInput }

    package var description: String {
        switch self {
        case .invalidSecretKey: "not a secp256k1 secret key (32 bytes, a number from 1 to n - 1)"
        case .invalidPublicKey: "not a secp256k1 public key: no such point on the curve"
        case .wrongPublicKeyLength(let actual): "a public key has 33, 64 or 65 bytes, but this has \(actual)"
        case .wrongSignatureLength(let actual): "a signature has 65 bytes, but this has \(actual)"
        case .invalidRecoveryByte(let byte): "a signature ends in 0, 1, 27 or 28, but this ends in \(byte)"
        case .invalidSignature: "not a valid signature: no key can be recovered from it"
        case .highS: "the signature's s is in the upper half (malleable)"
        }
    }

    package var hints: [String] {
        switch self {
        case .wrongPublicKeyLength(32): ["32 bytes are the id of a member, whose key the bridge knows: --to-member"]
        case .wrongPublicKeyLength(20): ["20 bytes are an address, which no key can be found from"]
        case .invalidPublicKey:
            ["65 bytes begin with 04, 33 with 02 or 03, and 64 are those 65 without the 04: is a digit wrong or lost?"]
        default: []
        }
    }
}
