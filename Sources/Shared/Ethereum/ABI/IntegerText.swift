package import Primitives

/// Why a text is no whole number.
enum IntegerTextError: Error {
    case malformed
    case fractionOfWei
    case tooLarge
}

/// A whole number as people write it: decimal or 0x-hex digits, `-` in front if negative, or a decimal amount with a
/// unit of wei, gwei or ether, as `1ether` or `1.5 gwei`. A `_` is allowed between two digits.
///
/// Refused is what another program takes for another number: a leading zero, which may mean octal, and an exponent,
/// whose `e` may be a hex digit.
struct IntegerText {
    /// Whether there is a minus, be it that of `-0`.
    let isNegative: Bool
    /// The number without its sign.
    let magnitude: UInt256

    /// - Throws: ``IntegerTextError`` if it is not such a number, or has more than 256 bits.
    init(_ text: String) throws(IntegerTextError) {
        isNegative = text.utf8.first == UInt8(ascii: "-")
        let digits = try Self.ungrouped(Array(text.utf8.dropFirst(isNegative ? 1 : 0)))
        magnitude = digits.starts(with: "0x".utf8) ? try Self.hex(digits.dropFirst(2)) : try Self.amount(digits)
    }

    /// The text without the underscores, each of which must be between two digits.
    private static func ungrouped(_ text: [UInt8]) throws(IntegerTextError) -> [UInt8] {
        let parts = text.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
        guard parts.count > 1 else { return text }
        let isDigit = text.starts(with: "0x".utf8) ? { Hex.value(of: $0) != nil } : isDigit
        for (left, right) in zip(parts, parts.dropFirst()) {
            guard let last = left.last, let first = right.first, isDigit(last), isDigit(first) else {
                throw .malformed
            }
        }
        return Array(parts.joined())
    }

    private static func hex(_ digits: ArraySlice<UInt8>) throws(IntegerTextError) -> UInt256 {
        guard !digits.isEmpty, digits.allSatisfy({ Hex.value(of: $0) != nil }) else { throw .malformed }
        return try number(digits, radix: 16)
    }

    private static func amount(_ text: [UInt8]) throws(IntegerTextError) -> UInt256 {
        let whole = text.prefix(while: isDigit)
        guard !whole.isEmpty, whole == [zero] || whole.first != zero else { throw .malformed }
        var rest = text[whole.endIndex...]
        var fraction: ArraySlice<UInt8> = []
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix(while: isDigit)
            rest = rest[(rest.startIndex + 1 + fraction.count)...]
            guard !fraction.isEmpty else { throw .malformed }
        }
        let isPlain = rest.isEmpty && fraction.isEmpty
        guard let decimals = isPlain ? 0 : decimals(ofUnit: rest.drop { $0 == UInt8(ascii: " ") }) else {
            throw .malformed
        }
        while fraction.last == zero { fraction.removeLast() }
        guard fraction.count <= decimals else { throw .fractionOfWei }
        let padding = repeatElement(zero, count: decimals - fraction.count)
        return try number((whole + fraction + padding)[...], radix: 10)
    }

    private static func decimals(ofUnit name: ArraySlice<UInt8>) -> Int? {
        switch String(decoding: name, as: UTF8.self) {
        case "wei": 0
        case "gwei": 9
        case "ether": 18
        default: nil
        }
    }

    private static func number(_ digits: ArraySlice<UInt8>, radix: UInt64) throws(IntegerTextError) -> UInt256 {
        guard let number = UInt256(digits: digits.span, radix: radix) else { throw .tooLarge }
        return number
    }

    private static let zero = UInt8(ascii: "0")

    private static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }
}

extension UInt256 {
    /// An amount as people write it: wei, in decimal or hex, or with a unit, as `0.1ether` or `2gwei`.
    ///
    /// - Throws: `ABIError`; a fraction of a wei is no amount.
    package init(amount text: String) throws(ABIError) {
        let value = try ABIValue(argument: text, as: .uint(.word), place: "amount")
        guard case .uint(let amount) = value else { throw .outOfRange(place: "amount", type: "uint256") }
        self = amount
    }
}
