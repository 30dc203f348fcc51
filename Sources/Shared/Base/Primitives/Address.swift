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
        let digits = text.utf8.dropFirst(2)
        let isMixed =
            digits.contains { UInt8(ascii: "A")...UInt8(ascii: "F") ~= $0 }
            && digits.contains { UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0 }
        guard !isMixed || checksummed == text else { throw .wrongChecksum(address: text) }
    }

    /// 20 zero bytes: no account.
    package static var zero: Address { Address(checked: [UInt8](repeating: 0, count: 20)) }

    /// The EIP-55 form: a letter is upper case where the hash of the lower-case digits has a nibble of 8 or more.
    package var checksummed: String {
        let digits = Array(Hex.encode(bytes, prefixed: false).utf8)
        let hash = Keccak256.hash(digits).bytes
        var text = Array("0x".utf8)
        for (index, digit) in digits.enumerated() {
            let nibble = index.isMultiple(of: 2) ? hash[index / 2] >> 4 : hash[index / 2] & 15
            // In ASCII a capital lacks one bit of the small letter.
            text.append(nibble >= 8 && digit >= UInt8(ascii: "a") ? digit & ~0x20 : digit)
        }
        return String(decoding: text, as: UTF8.self)
    }

    package var description: String { checksummed }
}
