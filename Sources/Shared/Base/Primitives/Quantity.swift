package import BigInt

/// A number of 256 bits as the EVM has it: an amount of wei, a chain id, a uint256.
///
/// Prints as an Ethereum JSON-RPC quantity: 0x and hex digits without leading zeros, zero as 0x0.
package struct Quantity: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number.
    package let value: BigUInt

    /// - Throws: ``PrimitiveError/tooLarge(bits:)`` from 2^256 on.
    package init(_ value: BigUInt) throws(PrimitiveError) {
        guard value.bitWidth <= 256 else { throw .tooLarge(bits: 256) }
        self.value = value
    }

    package init(_ value: UInt64) { self.value = BigUInt(value) }

    /// A quantity as JSON-RPC writes it: 0x, then hex digits, the first of them 0 only in 0x0.
    ///
    /// - Throws: ``PrimitiveError``.
    package init(hex text: String) throws(PrimitiveError) {
        let digits = text.utf8.dropFirst(2)
        guard text.utf8.starts(with: "0x".utf8), !digits.isEmpty, digits.allSatisfy({ Hex.value(of: $0) != nil }),
            digits.count == 1 || digits.first != UInt8(ascii: "0")
        else { throw .notAQuantity(text) }
        guard digits.count <= 64 else { throw .tooLarge(bits: 256) }
        var words: [UInt] = []
        var rest = digits
        while !rest.isEmpty {
            words.append(rest.suffix(16).reduce(0) { $0 << 4 | UInt(Hex.value(of: $1) ?? 0) })
            rest = rest.dropLast(16)
        }
        value = BigUInt(words: words)
    }

    /// The number that 32 big-endian bytes are.
    package init(_ word: Bytes32) { value = BigUInt(bigEndian: word.bytes) }

    /// The number that big-endian bytes are; zero for none.
    ///
    /// - Throws: ``PrimitiveError/tooLarge(bits:)`` from 2^256 on.
    package init(bigEndian bytes: some Collection<UInt8>) throws(PrimitiveError) {
        try self.init(BigUInt(bigEndian: bytes))
    }

    /// 0.
    package static var zero: Quantity { Quantity(UInt64(0)) }

    /// The number as 64 bits, or nil where it needs more.
    package var uint64: UInt64? { UInt64(exactly: value) }

    /// 32 big-endian bytes.
    package var word: Bytes32 { Bytes32(checked: value.bigEndian(count: 32)) }

    /// Big-endian bytes without leading zeros; none for zero. The form that RLP wants.
    package var minimalBytes: [UInt8] { value.bigEndianBytes }

    package var description: String { "0x" + String(value, radix: 16) }

    package static func < (left: Quantity, right: Quantity) -> Bool { left.value < right.value }
}

extension BigUInt {
    /// The number that big-endian bytes are; zero for none.
    package init(bigEndian bytes: some Collection<UInt8>) {
        var words: [UInt] = []
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            words.append(rest.suffix(8).reduce(0) { $0 << 8 | UInt($1) })
            rest = rest.dropLast(8)
        }
        self.init(words: words)
    }

    /// Big-endian bytes without leading zeros; none for zero.
    package var bigEndianBytes: [UInt8] {
        var bytes: [UInt8] = []
        for word in words {
            for shift in stride(from: 0, to: UInt.bitWidth, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt(shift)))
            }
        }
        while bytes.last == 0 { bytes.removeLast() }
        return bytes.reversed()
    }

    /// The lowest `count` bytes, big-endian, zeros in front.
    package func bigEndian(count: Int) -> [UInt8] {
        let bytes = bigEndianBytes.suffix(count)
        return [UInt8](repeating: 0, count: count - bytes.count) + bytes
    }
}

extension UInt64 {
    /// - Throws: ``PrimitiveError`` unless the text is a JSON-RPC quantity of at most 64 bits.
    package init(quantity text: String) throws(PrimitiveError) {
        guard let number = try Quantity(hex: text).uint64 else { throw .tooLarge(bits: 64) }
        self = number
    }

    /// The number as a JSON-RPC quantity.
    package var quantity: String { "0x" + String(self, radix: 16) }
}
