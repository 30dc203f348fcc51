/// An account's address: 20 bytes. It prints as EIP-55 mixed-case hex.
package struct Address: FixedBytes {
    package static var byteCount: Int { 20 }
    package let bytes: [UInt8]
    package init(checked bytes: [UInt8]) { self.bytes = bytes }

    /// An address as people write it: 0x and 40 hex digits.
    ///
    /// All lower case and all upper case carry no checksum and are taken as they are (EIP-55).
    /// - Throws: ``PrimitiveError``, among them ``PrimitiveError/wrongChecksum(address:)`` for mixed case that is
    ///   not the checksum.
    package init(_ text: String) throws(PrimitiveError) {
        try self.init(hex: text)
        let digits = text.dropFirst(2)
        let isMixed = digits.contains(where: \.isUppercase) && digits.contains(where: \.isLowercase)
        guard !isMixed || checksummed == text else { throw .wrongChecksum(address: text) }
    }

    /// 20 zero bytes: no account.
    package static var zero: Address { Address(checked: [UInt8](repeating: 0, count: 20)) }

    /// The EIP-55 form: a letter is upper case where the hash of the lower-case digits has a nibble of 8 or more.
    package var checksummed: String {
        let digits = Array(Hex.encode(bytes, prefixed: false).utf8)
        let hash = Keccak256.hash(digits).bytes
        var text = "0x"
        for (index, digit) in digits.enumerated() {
            let nibble = index.isMultiple(of: 2) ? hash[index / 2] >> 4 : hash[index / 2] & 15
            let character = Character(Unicode.Scalar(digit))
            text += nibble >= 8 ? character.uppercased() : String(character)
        }
        return text
    }

    package var description: String { checksummed }
}
