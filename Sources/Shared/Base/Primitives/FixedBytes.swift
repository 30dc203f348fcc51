/// A value that is a fixed number of bytes; what the bytes mean is the conforming type's.
package protocol FixedBytes: Hashable, Sendable, CustomStringConvertible {
    /// How many bytes a value has.
    static var byteCount: Int { get }
    /// The bytes, `byteCount` of them.
    var bytes: [UInt8] { get }
    /// Takes bytes whose number was checked.
    init(checked bytes: [UInt8])
}

extension FixedBytes {
    /// - Throws: ``PrimitiveError/wrongLength(expected:actual:)`` unless there are `byteCount` bytes.
    package init(_ bytes: some Collection<UInt8>) throws(PrimitiveError) {
        guard bytes.count == Self.byteCount else {
            throw .wrongLength(expected: Self.byteCount, actual: bytes.count)
        }
        self.init(checked: Array(bytes))
    }

    /// - Throws: ``PrimitiveError`` unless the text is `byteCount` bytes of hex.
    package init(hex text: some StringProtocol, prefix: Hex.Prefix = .required) throws(PrimitiveError) {
        let bytes: [UInt8]
        do throws(PrimitiveError) { bytes = try Hex.decode(text, prefix: prefix) } catch {
            guard case .oddHexLength(let count) = error else { throw error }
            throw .wrongDigitCount(expected: [2 * Self.byteCount], actual: count)
        }
        try self.init(bytes)
    }

    /// Lower-case hex with 0x.
    package var hex: String { bytes.hex }

    package var description: String { hex }
}

/// 32 bytes: a Keccak-256 hash, a member id, a code id, an EVM word.
package struct Bytes32: FixedBytes {
    package static var byteCount: Int { 32 }
    package let bytes: [UInt8]
    package init(checked bytes: [UInt8]) { self.bytes = bytes }

    /// 32 zero bytes.
    package static var zero: Bytes32 { Bytes32(checked: [UInt8](repeating: 0, count: 32)) }
}

/// The first four bytes of the Keccak-256 hash of a function's or an error's signature.
package struct Selector: FixedBytes {
    package static var byteCount: Int { 4 }
    package let bytes: [UInt8]
    package init(checked bytes: [UInt8]) { self.bytes = bytes }

    /// The selector of a canonical signature such as `isMember(bytes32)`.
    package init(signature: String) {
        bytes = Array(Keccak256.hash(Array(signature.utf8)).bytes.prefix(4))
    }
}

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
