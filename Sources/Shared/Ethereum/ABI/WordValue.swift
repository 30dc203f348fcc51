import BigInt
import Primitives

extension ABIValue {
    /// The value of a type that fills one word.
    ///
    /// - Throws: ``ABIError/outOfRange(place:type:)`` or ``ABIError/dirtyPadding(place:type:)`` where the bits that the
    ///   type leaves over are not as they must be: zero, or the sign.
    init(word: ArraySlice<UInt8>, as type: ABIType, at path: ABIPath) throws(ABIError) {
        let number = BigUInt(bigEndian: word)
        switch type {
        case .uint(let width):
            guard number.bitWidth <= width.bits else { throw .outOfRange(place: "\(path)", type: "\(type)") }
            self = .uint(number)
        case .int(let width):
            let number = BigInt(twosComplement: number)
            guard number.fits(width) else { throw .outOfRange(place: "\(path)", type: "\(type)") }
            self = .int(number)
        case .address:
            guard number.bitWidth <= 160, let address = try? Address(word.suffix(20)) else {
                throw .dirtyPadding(place: "\(path)", type: "\(type)")
            }
            self = .address(address)
        case .bool:
            guard number <= 1 else { throw .outOfRange(place: "\(path)", type: "\(type)") }
            self = .bool(number == 1)
        case .fixedBytes(let width): self = .fixedBytes(try Self.leading(width, of: word, as: type, at: path))
        case .function: self = .fixedBytes(try Self.leading(.externalFunction, of: word, as: type, at: path))
        case .bytes, .string, .array, .fixedArray, .tuple:
            throw .wrongKind(place: "\(path)", type: "\(type)", actual: "one word")
        }
    }

    private static func leading(
        _ width: WordWidth, of word: ArraySlice<UInt8>, as type: ABIType, at path: ABIPath
    ) throws(ABIError) -> [UInt8] {
        guard word.dropFirst(width.bytes).allSatisfy({ $0 == 0 }) else {
            throw .dirtyPadding(place: "\(path)", type: "\(type)")
        }
        return Array(word.prefix(width.bytes))
    }
}

extension BigInt {
    /// Whether the number is one of `width` bits in two's complement: -2^(N-1) to 2^(N-1) - 1.
    func fits(_ width: WordWidth) -> Bool {
        let magnitude = isNegative ? self.magnitude - 1 : self.magnitude
        return magnitude.bitWidth <= width.bits - 1
    }

    /// The number modulo 2^256, for a number that fits a word.
    var twosComplement: BigUInt { isNegative ? (BigUInt(1) << 256) - magnitude : magnitude }

    /// The signed number that a word of 256 bits is.
    fileprivate init(twosComplement word: BigUInt) {
        let isNegative = word.bitWidth == 256
        self.init(sign: isNegative ? .minus : .plus, magnitude: isNegative ? (BigUInt(1) << 256) - word : word)
    }

    private var isNegative: Bool { sign == .minus && !magnitude.isZero }
}
