package import Primitives

/// A value of the contract ABI.
package indirect enum ABIValue: Hashable, Sendable {
    /// Of type `uintN`.
    case uint(UInt256)
    /// Of type `intN`.
    case int(Int256)
    /// Of type `address`.
    case address(Address)
    /// Of type `bool`.
    case bool(Bool)
    /// Of type `bytesN` or `function`.
    case fixedBytes([UInt8])
    /// Of type `bytes`.
    case bytes([UInt8])
    /// Of type `string`.
    case string(String)
    /// Of type `T[]` or `T[k]`.
    case array([ABIValue])
    /// Of a tuple type: the components in their order.
    case tuple([ABIValue])

    /// A bytes32.
    package static func word(_ word: Bytes32) -> ABIValue { .fixedBytes(word.bytes) }

    /// What the value is, with its article, for an error.
    var kindName: String {
        switch self {
        case .uint: "an unsigned integer"
        case .int: "a signed integer"
        case .address: "an address"
        case .bool: "a boolean"
        case .fixedBytes(let bytes): "\(bytes.count) fixed bytes"
        case .bytes: "bytes"
        case .string: "a string"
        case .array: "an array"
        case .tuple: "a tuple"
        }
    }
}

/// What one run of heads holds: the components of a tuple or a list of arguments, or the elements of an array.
enum ABISequence {
    /// `path` names the components by their names, where they have one.
    case components([ABIParameter])
    /// Arguments: `path` counts them, whether they have names or not.
    case arguments([ABIType])
    case elements(ABIType, count: Int)

    var count: Int {
        switch self {
        case .components(let components): components.count
        case .arguments(let types): types.count
        case .elements(_, let count): count
        }
    }

    /// - Precondition: `index` is below ``count``.
    func type(at index: Int) -> ABIType {
        switch self {
        case .components(let components): components[index].type
        case .arguments(let types): types[index]
        case .elements(let type, _): type
        }
    }

    /// - Precondition: `index` is below ``count``.
    func step(at index: Int) -> ABIPath.Step {
        guard case .components(let components) = self, let name = components[index].name else { return .index(index) }
        return .name(name)
    }

    /// How many bytes the heads take, or nil if that is beyond any memory.
    var headSize: Int? {
        switch self {
        case .components(let components): Self.sum(components.lazy.map(\.type))
        case .arguments(let types): Self.sum(types)
        case .elements(let type, let count): Self.product(type.headSize, count)
        }
    }

    private static func sum(_ types: some Sequence<ABIType>) -> Int? {
        var total = 0
        for type in types {
            guard let size = type.headSize else { return nil }
            let (sum, isOverflow) = total.addingReportingOverflow(size)
            if isOverflow { return nil }
            total = sum
        }
        return total
    }

    private static func product(_ size: Int?, _ count: Int) -> Int? {
        guard let size else { return nil }
        let (product, isOverflow) = size.multipliedReportingOverflow(by: count)
        return isOverflow ? nil : product
    }
}

extension ABIType {
    /// Whether the value follows the heads, with an offset in its place.
    package var isDynamic: Bool {
        switch self {
        case .bytes, .string, .array: true
        case .fixedArray(let element, _): element.isDynamic
        case .tuple(let components): components.contains(where: \.type.isDynamic)
        case .uint, .int, .address, .bool, .fixedBytes, .function: false
        }
    }

    /// How many bytes the type takes among the heads, or nil if that is beyond any memory: a dynamic type an offset
    /// of 32, a static one all of its bytes.
    package var headSize: Int? {
        if isDynamic { return 32 }
        return switch self {
        case .fixedArray(let element, let count): ABISequence.elements(element, count: Int(count)).headSize
        case .tuple(let components): ABISequence.components(components).headSize
        case .uint, .int, .address, .bool, .fixedBytes, .function, .bytes, .string, .array: 32
        }
    }
}

extension ABIValue {
    /// The value of a type that fills one word.
    ///
    /// - Throws: ``ABIError/outOfRange(place:type:)`` or ``ABIError/dirtyPadding(place:type:)`` where the bits that the
    ///   type leaves over are not as they must be: zero, or the sign.
    init(word: ArraySlice<UInt8>, as type: ABIType, at path: ABIPath) throws(ABIError) {
        guard let number = UInt256(bigEndian: word.span) else { throw .outOfRange(place: "\(path)", type: "\(type)") }
        switch type {
        case .uint(let width):
            guard number.bitCount <= width.bits else { throw .outOfRange(place: "\(path)", type: "\(type)") }
            self = .uint(number)
        case .int(let width):
            let number = Int256(word: number)
            guard number.fits(width) else { throw .outOfRange(place: "\(path)", type: "\(type)") }
            self = .int(number)
        case .address:
            guard number.bitCount <= 160, let address = try? Address(word.suffix(20)) else {
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

/// A number of 256 bits with a sign, as the EVM has it: a word in two's complement. Printed, it is decimal.
package struct Int256: Hashable, Sendable, CustomStringConvertible {
    /// The number modulo 2^256.
    package let word: UInt256

    /// The number that a word is: a negative one from 2^255 on.
    package init(word: UInt256) { self.word = word }

    /// nil below -2^255, and from 2^255 on.
    package init?(magnitude: UInt256, isNegative: Bool) {
        word = isNegative ? magnitude.negated : magnitude
        guard self.isNegative == isNegative || magnitude == 0 else { return nil }
    }

    private var isNegative: Bool { word.bitCount == 256 }

    /// Whether the number is one of `width` bits in two's complement: -2^(N-1) to 2^(N-1) - 1.
    func fits(_ width: WordWidth) -> Bool { (isNegative ? ~word : word).bitCount < width.bits }

    package var description: String { isNegative ? "-\(word.negated)" : "\(word)" }
}

extension UInt256 {
    /// What makes 2^256 with the number, or 0 for 0.
    fileprivate var negated: UInt256 { ~self &+ 1 }
}
