import Primitives

extension SecretBytes {
    /// The bytes that a secret text of hex digits is: optionally 0x in front and one line end behind.
    ///
    /// No copy of the digits or of the bytes is left anywhere else.
    /// - Throws: ``SecretError/notHex``.
    package init(hexDigitsOf text: borrowing SecretBytes) throws(SecretError) {
        self = try text.withBytes { characters throws(SecretError) in
            var end = characters.count
            if end > 0, characters[end - 1] == UInt8(ascii: "\n") { end -= 1 }
            if end > 0, characters[end - 1] == UInt8(ascii: "\r") { end -= 1 }
            let isPrefixed = end >= 2 && characters[0] == UInt8(ascii: "0") && characters[1] | 0x20 == UInt8(ascii: "x")
            let digits = characters.extracting((isPrefixed ? 2 : 0)..<end)
            guard digits.count.isMultiple(of: 2) else { throw .notHex }
            return try SecretBytes(count: digits.count / 2) { target throws(SecretError) in
                for index in target.indices {
                    guard let high = Hex.value(of: digits[2 * index]), let low = Hex.value(of: digits[2 * index + 1])
                    else { throw .notHex }
                    target[index] = high << 4 | low
                }
            }
        }
    }
}
