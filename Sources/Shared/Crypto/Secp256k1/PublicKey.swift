import CSecp256k1
package import Failures
package import Primitives

/// A public key: a point of secp256k1, kept as the bytes that it is read back from without a square root.
package struct PublicKey: Hashable, Sendable, CustomStringConvertible {
    /// 04, x, y: 65 bytes.
    package let uncompressed: [UInt8]

    /// A key as 33 bytes (02, 03), 65 bytes (04, x, y) or 64 bytes (x, y, as Ethereum writes it).
    ///
    /// Hybrid forms (06, 07) are refused: they are not used in practice.
    /// - Throws: ``Secp256k1Error/wrongPublicKeyLength(actual:)``, ``Secp256k1Error/invalidPublicKey``.
    package init(_ bytes: some Collection<UInt8>) throws(Secp256k1Error) {
        var encoded = Array(bytes)
        switch encoded.count {
        case 33, 65: break
        case 64: encoded.insert(0x04, at: 0)
        default: throw .wrongPublicKeyLength(actual: encoded.count)
        }
        let prefixes: ClosedRange<UInt8> = encoded.count == 33 ? 0x02...0x03 : 0x04...0x04
        guard let prefix = encoded.first, prefixes.contains(prefix) else { throw .invalidPublicKey }
        var point = secp256k1_pubkey()
        guard unsafe secp256k1_ec_pubkey_parse(Context.shared.pointer, &point, encoded, encoded.count) == 1 else {
            throw .invalidPublicKey
        }
        self.init(point: point)
    }

    /// A key as hex, with 0x or without.
    ///
    /// - Throws: `PrimitiveError`, ``Secp256k1Error``.
    package init(hex text: String) throws {
        let bytes: [UInt8]
        do throws(PrimitiveError) { bytes = try Hex.decode(text, prefix: .optional) } catch {
            guard case .oddHexLength(let count) = error else { throw error }
            throw PrimitiveError.wrongDigitCount(expected: [66, 128, 130], actual: count)
        }
        try self.init(bytes)
    }

    init(point: secp256k1_pubkey) {
        uncompressed = Self.serialized(point, isCompressed: false)
    }

    /// 02 or 03 for the parity of y, then x: 33 bytes.
    package var compressed: [UInt8] { Self.serialized(point, isCompressed: true) }

    /// The account that this key controls: the last 20 bytes of Keccak-256(x, y).
    package var address: Address {
        Address(checked: Array(Keccak256.hash(uncompressed.dropFirst()).bytes.suffix(20)))
    }

    package var description: String { compressed.hex }

    var point: secp256k1_pubkey {
        var point = secp256k1_pubkey()
        // Cannot fail: these bytes came out of the library.
        _ = unsafe secp256k1_ec_pubkey_parse(Context.shared.pointer, &point, uncompressed, uncompressed.count)
        return point
    }

    private static func serialized(_ point: secp256k1_pubkey, isCompressed: Bool) -> [UInt8] {
        var point = point
        var count = isCompressed ? 33 : 65
        let format = UInt32(isCompressed ? SECP256K1_EC_COMPRESSED : SECP256K1_EC_UNCOMPRESSED)
        var bytes = [UInt8](repeating: 0, count: count)
        _ = unsafe secp256k1_ec_pubkey_serialize(Context.shared.pointer, &bytes, &count, &point, format)
        return bytes
    }
}

/// Why bytes are not a key, a signature or a point of secp256k1.
package enum Secp256k1Error: UserFacingError, Equatable {
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

    package var kind: ErrorCategory { .badInput }

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
        case .wrongPublicKeyLength(32):
            ["32 bytes are a member id; the bridge knows that member's key: use --to-member"]
        case .wrongPublicKeyLength(20): ["20 bytes are an address, which does not reveal a public key"]
        case .invalidPublicKey:
            ["65 bytes begin with 04, 33 with 02 or 03, and 64 are the 65 without the 04: is a digit wrong or missing?"]
        default: []
        }
    }
}
