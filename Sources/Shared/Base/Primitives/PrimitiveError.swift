package import Failures

/// Why a text or a row of bytes is not the value it claims to be.
package enum PrimitiveError: UserFacingError, Equatable {
    /// Hex digits come in pairs; this text has `count` of them.
    case oddHexLength(count: Int)
    /// Hex digits, of which one of these numbers was needed.
    case wrongDigitCount(expected: [Int], actual: Int)
    /// The character at `offset` (in bytes, after any 0x) is no hex digit.
    case notHex(offset: Int)
    /// 0x was needed in front.
    case missingHexPrefix
    /// `expected` bytes were needed.
    case wrongLength(expected: Int, actual: Int)
    /// An address in mixed case whose case is not its EIP-55 checksum: most likely mistyped.
    case wrongChecksum(address: String)
    /// Not a JSON-RPC quantity: 0x and hex digits without leading zeros.
    case notAQuantity(String)
    /// The number needs more than `bits` bits.
    case tooLarge(bits: Int)

    package var kind: ErrorCategory { .badInput }

    package var description: String {
        switch self {
        case .oddHexLength(let count): "hex has an odd number of digits, \(count)"
        case .wrongDigitCount(let expected, let actual):
            "\(Self.choice(expected)) hex digits are needed, but there are \(actual)"
        case .notHex(let offset): "not a hex digit at position \(offset)"
        case .missingHexPrefix: "hex must begin with 0x"
        case .wrongLength(let expected, let actual): "\(expected) bytes are needed, but there are \(actual)"
        case .wrongChecksum(let address):
            "the address \(address.quoted()) fails its EIP-55 checksum; check it, or write it in lower case"
        case .notAQuantity(let text): "not a quantity (0x and hex digits, no leading zero): \(text.quoted())"
        case .tooLarge(let bits): "the number needs more than \(bits) bits"
        }
    }

    package var hints: [String] {
        switch self {
        case .oddHexLength: ["each byte is two digits: is one missing?"]
        case .wrongDigitCount(let expected, let actual):
            expected.contains(actual + 1)
                ? ["is a digit missing?"] : expected.contains(actual - 1) ? ["is there one digit too many?"] : []
        case .wrongLength(let expected, let actual): Self.hint(for: actual, inPlaceOf: expected).map { [$0] } ?? []
        default: []
        }
    }

    /// Numbers as a sentence has them: "66, 128 or 130".
    private static func choice(_ numbers: [Int]) -> String {
        guard let last = numbers.last, numbers.count > 1 else { return numbers.map { "\($0)" }.joined() }
        return numbers.dropLast().map { "\($0)" }.joined(separator: ", ") + " or \(last)"
    }

    /// What bytes of another length most likely are.
    private static func hint(for actual: Int, inPlaceOf expected: Int) -> String? {
        switch (expected, actual) {
        case (20, 32): "this is as long as a member id, a hash or a key; an address has 40 hex digits"
        case (32, 20): "this is as long as an address; a member id or a hash has 64 hex digits"
        case (20, 33), (20, 64), (20, 65):
            "this is as long as a public key; an address has 40 hex digits"
        case (32, 33), (32, 64), (32, 65):
            "this is as long as a public key; a member id is the key's Keccak-256 hash, which has 64 hex digits"
        default: nil
        }
    }
}
