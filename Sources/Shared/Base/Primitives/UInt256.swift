/// A number of 256 bits as the EVM has it: an amount of wei, a uint256, a word of storage.
///
/// A sum, a difference or a product that 256 bits do not hold is nil; only ``&+(_:_:)`` wraps around. Printed, it is
/// decimal.
package struct UInt256: Hashable, Comparable, Sendable {
    private let high: UInt128
    private let low: UInt128

    private init(high: UInt128, low: UInt128) { (self.high, self.low) = (high, low) }

    /// A number of 64 bits.
    package init(_ value: UInt64) { self.init(high: 0, low: UInt128(value)) }

    /// 2^256 - 1.
    package static var max: Self { Self(high: .max, low: .max) }

    /// The number as 64 bits, or nil where it needs more.
    package var uint64: UInt64? { high == 0 ? UInt64(exactly: low) : nil }

    /// How many bits the number needs: 0 for 0, 256 from 2^255 on.
    package var bitCount: Int { high == 0 ? 128 - low.leadingZeroBitCount : 256 - high.leadingZeroBitCount }

    package static func < (left: Self, right: Self) -> Bool { (left.high, left.low) < (right.high, right.low) }
}

extension UInt256: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: UInt64) { self.init(value) }
}

// Arithmetic

extension UInt256 {
    /// The sum modulo 2^256.
    package static func &+ (left: Self, right: Self) -> Self {
        let (low, carries) = left.low.addingReportingOverflow(right.low)
        return Self(high: left.high &+ right.high &+ (carries ? 1 : 0), low: low)
    }

    /// The number with every bit inverted, which is 2^256 - 1 less the number.
    package static prefix func ~ (number: Self) -> Self { Self(high: ~number.high, low: ~number.low) }

    /// The sum, or nil from 2^256 on.
    package func adding(_ other: Self) -> Self? {
        let sum = self &+ other
        return sum < self ? nil : sum
    }

    /// The difference, or nil below zero.
    package func subtracting(_ other: Self) -> Self? { other <= self ? self &+ ~other &+ 1 : nil }

    /// The product, or nil from 2^256 on.
    package func multiplied(by factor: UInt64) -> Self? {
        let (carry, low) = low.multipliedFullWidth(by: UInt128(factor))
        let (product, isProductTooLarge) = high.multipliedReportingOverflow(by: UInt128(factor))
        let (high, isSumTooLarge) = product.addingReportingOverflow(carry)
        return isProductTooLarge || isSumTooLarge ? nil : Self(high: high, low: low)
    }

    /// The quotient, rounded down, and what is left.
    ///
    /// - Precondition: `divisor` is not 0.
    package func quotientAndRemainder(dividingBy divisor: UInt64) -> (quotient: Self, remainder: UInt64) {
        // As by hand, with digits of 128, 64 and 64 bits: a remainder has 64 bits at most, so a digit fits behind it.
        let divisor = UInt128(divisor)
        let (first, rest) = high.quotientAndRemainder(dividingBy: divisor)
        let (second, rest2) = (rest << 64 | low >> 64).quotientAndRemainder(dividingBy: divisor)
        let (third, rest3) = (rest2 << 64 | low & UInt128(UInt64.max)).quotientAndRemainder(dividingBy: divisor)
        return (Self(high: first, low: second << 64 | third), UInt64(truncatingIfNeeded: rest3))
    }
}

// Bytes

extension UInt256 {
    /// The number that 32 big-endian bytes are.
    package init(_ word: Bytes32) { self = Self(bigEndian: word.bytes.span) ?? .max }

    /// The number that big-endian bytes are, leading zeros or not; 0 for none; nil from 2^256 on.
    package init?(bigEndian bytes: Span<UInt8>) {
        var (high, low): (UInt128, UInt128) = (0, 0)
        for index in bytes.indices {
            guard high >> 120 == 0 else { return nil }
            high = high << 8 | low >> 120
            low = low << 8 | UInt128(bytes[index])
        }
        self.init(high: high, low: low)
    }

    /// 32 big-endian bytes.
    package var word: Bytes32 {
        Bytes32(checked: unsafe withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { unsafe Array($0) })
    }

    /// Big-endian bytes without leading zeros; none for zero. The form that RLP wants.
    package var minimalBytes: [UInt8] { word.bytes.suffix((bitCount + 7) / 8) }
}

// Text

extension UInt256: CustomStringConvertible {
    /// A number as JSON-RPC writes it: 0x, then hex digits in either case, the first of them 0 only in 0x0.
    ///
    /// - Throws: ``PrimitiveError/notAQuantity(_:)``, or ``PrimitiveError/tooLarge(bits:)`` from 2^256 on.
    package init(quantity text: String) throws(PrimitiveError) {
        let digits = Array(text.utf8.dropFirst(2))
        guard text.utf8.starts(with: "0x".utf8), !digits.isEmpty, digits.allSatisfy({ Hex.value(of: $0) != nil }),
            digits.count == 1 || digits.first != UInt8(ascii: "0")
        else { throw .notAQuantity(text) }
        guard let number = Self(digits: digits.span, radix: 16) else { throw .tooLarge(bits: 256) }
        self = number
    }

    /// The number that digits in ASCII are; 0 for none; nil from 2^256 on, or where one is no digit.
    ///
    /// - Parameter radix: 10 or 16.
    package init?(digits: Span<UInt8>, radix: UInt64) {
        var number = Self(0)
        // So few digits make a number below 2^60.
        for start in stride(from: 0, to: digits.count, by: 15) {
            var (part, scale): (UInt64, UInt64) = (0, 1)
            for index in start..<Swift.min(start + 15, digits.count) {
                guard let value = Hex.value(of: digits[index]), value < radix else { return nil }
                part = part &* radix &+ UInt64(value)
                scale = scale &* radix
            }
            guard let sum = number.multiplied(by: scale)?.adding(Self(part)) else { return nil }
            number = sum
        }
        self = number
    }

    /// The number as a JSON-RPC quantity: 0x and lower-case hex digits without leading zeros, 0x0 for zero.
    package var quantity: String {
        "0x" + Hex.encode(word.bytes, prefixed: false).suffix(Swift.max(1, (bitCount + 3) / 4))
    }

    package var description: String {
        var (digits, rest): ([UInt8], Self) = ([], self)
        while rest != 0 {
            var (quotient, part) = rest.quotientAndRemainder(dividingBy: 1_000_000_000_000_000_000)
            for _ in 0..<18 {
                digits.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: part % 10))
                part /= 10
            }
            rest = quotient
        }
        let text = digits.reversed().drop { $0 == UInt8(ascii: "0") }
        return text.isEmpty ? "0" : String(decoding: text, as: UTF8.self)
    }
}

extension UInt64 {
    /// - Throws: ``PrimitiveError`` unless the text is a JSON-RPC quantity of at most 64 bits.
    package init(quantity text: String) throws(PrimitiveError) {
        guard let number = try UInt256(quantity: text).uint64 else { throw .tooLarge(bits: 64) }
        self = number
    }

    /// The number as a JSON-RPC quantity.
    package var quantity: String { "0x" + String(self, radix: 16) }
}
