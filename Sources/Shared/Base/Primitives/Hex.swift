/// Bytes as hex digits, two a byte.
package enum Hex {
    /// Whether 0x precedes the digits.
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
        let isPrefixed = digits.starts(with: Self.prefix)
        switch prefix {
        case .required:
            guard isPrefixed else { throw .missingHexPrefix }
            digits = digits.dropFirst(2)
        case .optional: if isPrefixed { digits = digits.dropFirst(2) }
        case .none: break
        }
        // Without room the array is the one that all empty ones share, whose count is written here: a race of threads.
        let room = max(1, digits.count / 2)
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: room) { bytes, count in
            count = unsafe digits.withUnsafeBytes { unsafe decode($0, into: UnsafeMutableRawBufferPointer(bytes)) }
        }
        let rest = digits.dropFirst(2 * bytes.count)
        if let first = rest.first { throw fault(at: first, restCount: rest.count, after: bytes.count) }
        return bytes
    }

    /// Why digits go no further.
    ///
    /// - Parameters:
    ///   - first: the byte after them.
    ///   - restCount: how much that is, up to where the digits should have ended.
    ///   - byteCount: how many bytes there are before it.
    package static func fault(at first: UInt8, restCount: Int, after byteCount: Int) -> PrimitiveError {
        guard restCount.isMultiple(of: 2) else { return .oddHexLength(count: 2 * byteCount + restCount) }
        return .notHex(offset: 2 * byteCount + (value(of: first) == nil ? 0 : 1))
    }

    private static let prefix = Array("0x".utf8)

    /// Puts in the place of digits the bytes that they are, as far as they go in pairs.
    ///
    /// - Parameters:
    ///   - source: where the digits stand.
    ///   - target: where the bytes begin; not after the digits.
    /// - Returns: the number of bytes; after twice as many digits comes the end, or something other than a pair of
    ///   digits.
    package static func decodeInPlace(
        _ text: inout MutableSpan<UInt8>, from source: Range<Int>, to target: Int
    ) -> Int {
        precondition(target <= source.lowerBound)
        return unsafe text.withUnsafeMutableBytes { buffer in
            unsafe decode(
                UnsafeRawBufferPointer(rebasing: buffer[source]),
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[target...]))
        }
    }

    /// The bytes of the digits, as far as they go in pairs; `bytes` may begin where `digits` does, or before.
    private static func decode(_ digits: UnsafeRawBufferPointer, into bytes: UnsafeMutableRawBufferPointer) -> Int {
        var count = 0
        while 2 * count + 32 <= digits.count,
            let sixteen = unsafe sixteenBytes(
                digits.loadUnaligned(fromByteOffset: 2 * count, as: Bytes16.self),
                digits.loadUnaligned(fromByteOffset: 2 * count + 16, as: Bytes16.self))
        {
            unsafe bytes.storeBytes(of: sixteen, toByteOffset: count, as: Bytes16.self)
            count += 16
        }
        while 2 * count + 2 <= digits.count, let high = unsafe value(of: digits[2 * count]),
            let low = unsafe value(of: digits[2 * count + 1])
        {
            unsafe bytes[count] = high << 4 | low
            count += 1
        }
        return count
    }

    // With this explicit type a comparison is one instruction; without it, or for more bytes, Swift emits a loop.
    private typealias Bytes16 = SIMD16<UInt8>

    /// The bytes that twice sixteen digits are; nil if one is no digit.
    @inline(__always)
    private static func sixteenBytes(_ first: Bytes16, _ second: Bytes16) -> Bytes16? {
        let (first, second) = (values(of: first), values(of: second))
        let faults = unsafe unsafeBitCast(first.faults | second.faults, to: SIMD2<UInt64>.self)
        guard faults[0] | faults[1] == 0 else { return nil }
        let values = SIMD32(lowHalf: first.values, highHalf: second.values)
        return values.evenHalf &<< Bytes16(repeating: 4) | values.oddHalf
    }

    /// The values of digits, and 1 for anything that is not a digit.
    @inline(__always)
    private static func values(of digits: Bytes16) -> (values: Bytes16, faults: Bytes16) {
        let zero = Bytes16(repeating: 0)
        // What is no number, or no letter, wraps around to a large one.
        let isNumber = digits &- Bytes16(repeating: UInt8(ascii: "0")) .<= Bytes16(repeating: 9)
        let letters = (digits | Bytes16(repeating: 0x20)) &- Bytes16(repeating: UInt8(ascii: "a"))
        let isLetter = letters .<= Bytes16(repeating: 5)
        // The low half of a number's code is the number, that of a letter's is its place in the alphabet.
        let values = digits & Bytes16(repeating: 15) &+ zero.replacing(with: Bytes16(repeating: 9), where: isLetter)
        return (values, Bytes16(repeating: 1).replacing(with: zero, where: isNumber .| isLetter))
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
        bytes.withContiguousStorageIfAvailable { unsafe encode(Span(_unsafeElements: $0), prefixed: prefixed) }
            ?? encode(Array(bytes).span, prefixed: prefixed)
    }

    private static func encode(_ bytes: Span<UInt8>, prefixed: Bool) -> String {
        unsafe String(unsafeUninitializedCapacity: bytes.count * 2 + 2) { buffer in
            var text = unsafe MutableSpan(_unsafeElements: buffer)
            let start = prefixed ? 2 : 0
            if prefixed {
                text[0] = UInt8(ascii: "0")
                text[1] = UInt8(ascii: "x")
            }
            encode(bytes, into: &text, at: start)
            return start + 2 * bytes.count
        }
    }

    /// Writes the lower-case digits of the bytes, two a byte, from `start` on.
    package static func encode(_ bytes: Span<UInt8>, into text: inout MutableSpan<UInt8>, at start: Int) {
        precondition(start >= 0 && bytes.count <= (text.count - start) / 2)
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe text.withUnsafeMutableBytes { text in
                var index = 0
                while index + 16 <= bytes.count {
                    let sixteen = unsafe bytes.loadUnaligned(fromByteOffset: index, as: Bytes16.self)
                    var digits = SIMD32<UInt8>()
                    digits.evenHalf = Hex.digits(sixteen &>> Bytes16(repeating: 4))
                    digits.oddHalf = Hex.digits(sixteen & Bytes16(repeating: 15))
                    unsafe text.storeBytes(of: digits, toByteOffset: start + 2 * index, as: SIMD32<UInt8>.self)
                    index += 16
                }
                for index in index..<bytes.count {
                    unsafe text[start + 2 * index] = digit(bytes[index] >> 4)
                    unsafe text[start + 2 * index + 1] = digit(bytes[index] & 15)
                }
            }
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value + (value < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
    }

    /// The digits of numbers below 16.
    @inline(__always)
    private static func digits(_ values: Bytes16) -> Bytes16 {
        let letters = Bytes16(repeating: UInt8(ascii: "a") - 10).replacing(
            with: Bytes16(repeating: UInt8(ascii: "0")), where: values .<= Bytes16(repeating: 9))
        return values &+ letters
    }
}

extension Collection<UInt8> {
    /// The bytes as lower-case hex with 0x.
    package var hex: String { Hex.encode(self) }
}
