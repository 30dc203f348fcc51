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
        try self.init(Hex.decode(text, prefix: prefix))
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
