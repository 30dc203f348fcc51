/// Bytes as hex digits, two a byte.
package enum Hex {
    /// Whether 0x stands in front of the digits.
    package enum Prefix {
        /// It must.
        case required
        /// It may.
        case optional
        /// It must not.
        case none
    }

    /// The bytes of a hex text; digits may be in either case.
    ///
    /// - Throws: ``PrimitiveError`` for an odd number of digits, another character, or a prefix against the rule.
    ///   An empty text, or 0x alone, is no error: it is no bytes.
    package static func decode(_ text: some StringProtocol, prefix: Prefix = .required) throws(PrimitiveError)
        -> [UInt8]
    {
        var digits = Array(text.utf8)[...]
        let isPrefixed = digits.count >= 2 && digits[0] == UInt8(ascii: "0") && digits[1] == UInt8(ascii: "x")
        switch prefix {
        case .required:
            guard isPrefixed else { throw .missingHexPrefix }
            digits = digits.dropFirst(2)
        case .optional: if isPrefixed { digits = digits.dropFirst(2) }
        case .none: break
        }
        return try decode(digits: digits)
    }

    private static func decode(digits: ArraySlice<UInt8>) throws(PrimitiveError) -> [UInt8] {
        guard digits.count.isMultiple(of: 2) else { throw .oddHexLength(count: digits.count) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        var high: UInt8?
        for (offset, digit) in digits.enumerated() {
            guard let value = value(of: digit) else { throw .notHex(offset: offset) }
            if let upper = high {
                bytes.append(upper << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return bytes
    }

    /// The value of one digit, in ASCII, or nil.
    package static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The lower-case digits of the bytes, with or without 0x in front.
    package static func encode(_ bytes: some Collection<UInt8>, prefixed: Bool = true) -> String {
        let digits: StaticString = "0123456789abcdef"
        return unsafe String(unsafeUninitializedCapacity: bytes.count * 2 + 2) { buffer in
            let table = unsafe digits.utf8Start
            var end = 0
            func append(_ digit: UInt8) {
                unsafe buffer[end] = digit
                end += 1
            }
            if prefixed {
                append(UInt8(ascii: "0"))
                append(UInt8(ascii: "x"))
            }
            for byte in bytes {
                append(unsafe table[Int(byte >> 4)])
                append(unsafe table[Int(byte & 15)])
            }
            return end
        }
    }
}

extension Collection<UInt8> {
    /// The bytes as lower-case hex with 0x.
    package var hex: String { Hex.encode(self) }
}
