import Primitives

/// The contract ABI's encoding of values (Solidity's "Contract ABI Specification").
package enum ABI {
    /// The values in sequence, as arguments are encoded: heads, then tails.
    ///
    /// - Parameter place: what an error calls the list.
    /// - Throws: ``ABIError/wrongCount(place:type:expected:actual:)``,
    ///   ``ABIError/wrongKind(place:type:actual:)``, ``ABIError/outOfRange(place:type:)`` or
    ///   ``ABIError/typeTooLarge(place:type:)`` where a value is none of its type.
    package static func encode(
        _ values: [ABIValue], as types: [ABIType], place: String = "args"
    ) throws(ABIError) -> [UInt8] {
        var encoder = ABIEncoder(path: ABIPath(root: place))
        let list = ABIType.tuple(types.map { ABIParameter($0) })
        try encoder.append(values, as: .arguments(types), within: list)
        return encoder.bytes
    }
}

private struct ABIEncoder {
    var bytes: [UInt8] = []
    var path: ABIPath

    init(path: ABIPath) { self.path = path }

    mutating func append(_ values: [ABIValue], as sequence: ABISequence, within type: ABIType) throws(ABIError) {
        guard values.count == sequence.count else {
            throw .wrongCount(
                place: "\(path)", type: "\(type)", expected: sequence.count, actual: values.count)
        }
        guard sequence.headSize != nil else { throw .typeTooLarge(place: "\(path)", type: "\(type)") }
        let base = bytes.count
        var waiting: [(index: Int, offsetAt: Int)] = []
        for (index, value) in values.enumerated() {
            let type = sequence.type(at: index)
            if type.isDynamic {
                waiting.append((index, bytes.count))
                append(padding: 32)
            } else {
                try append(value, as: type, at: sequence.step(at: index))
            }
        }
        for (index, offsetAt) in waiting {
            bytes.replaceSubrange(offsetAt..<(offsetAt + 32), with: (bytes.count - base).word)
            try append(values[index], as: sequence.type(at: index), at: sequence.step(at: index))
        }
    }

    private mutating func append(_ value: ABIValue, as type: ABIType, at step: ABIPath.Step) throws(ABIError) {
        path.enter(step)
        try append(value, as: type)
        path.leave()
    }

    private mutating func append(_ value: ABIValue, as type: ABIType) throws(ABIError) {
        switch (type, value) {
        case (.uint(let width), .uint(let number)):
            guard number.bitCount <= width.bits else { throw .outOfRange(place: "\(path)", type: "\(type)") }
            append(word: number)
        case (.int(let width), .int(let number)):
            guard number.fits(width) else { throw .outOfRange(place: "\(path)", type: "\(type)") }
            append(word: number.word)
        case (.address, .address(let address)):
            append(padding: 32 - address.bytes.count)
            bytes.append(contentsOf: address.bytes)
        case (.bool, .bool(let isTrue)): append(word: isTrue ? 1 : 0)
        case (.fixedBytes(let width), .fixedBytes(let content)) where content.count == width.bytes:
            append(padded: content)
        case (.function, .fixedBytes(let content)) where content.count == WordWidth.externalFunction.bytes:
            append(padded: content)
        case (.bytes, .bytes(let content)):
            bytes += content.count.word
            append(padded: content)
        case (.string, .string(let text)):
            bytes += text.utf8.count.word
            append(padded: Array(text.utf8))
        case (.array(let element), .array(let elements)):
            bytes += elements.count.word
            try append(elements, as: .elements(element, count: elements.count), within: type)
        case (.fixedArray(let element, let count), .array(let elements)):
            try append(elements, as: .elements(element, count: Int(count)), within: type)
        case (.tuple(let components), .tuple(let values)):
            try append(values, as: .components(components), within: type)
        default: throw .wrongKind(place: "\(path)", type: "\(type)", actual: value.kindName)
        }
    }

    private mutating func append(word number: UInt256) { bytes += number.word.bytes }

    private mutating func append(padding count: Int) { bytes.append(contentsOf: repeatElement(0, count: count)) }

    private mutating func append(padded content: [UInt8]) {
        bytes.append(contentsOf: content)
        append(padding: content.count.paddingToWord)
    }
}

extension Int {
    /// A length or an offset as a word: 32 big-endian bytes.
    var word: [UInt8] {
        [UInt8](repeating: 0, count: 24) + (0..<8).map { UInt8(truncatingIfNeeded: self >> (56 - 8 * $0)) }
    }

    /// How many bytes are missing to a whole number of words.
    var paddingToWord: Int { (32 - self % 32) % 32 }
}
