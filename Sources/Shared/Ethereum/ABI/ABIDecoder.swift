import Primitives

/// What a decoder accepts as the layout of data. The values are checked alike in both.
package enum ABILayout: Sendable {
    /// The one layout of a canonical encoder: encoding the values again gives the same bytes.
    case strict
    /// Tails anywhere in the data, in any order, shared or with gaps, and bytes after them: what some contracts
    /// return.
    case lenient
}

extension ABI {
    /// The values that the data is the encoding of.
    ///
    /// Memory and time stay in proportion to the data, whatever its offsets and lengths say.
    /// - Parameter place: what an error calls the list.
    /// - Throws: ``ABIError``.
    package static func decode(
        _ data: some Collection<UInt8>, as types: [ABIType], layout: ABILayout = .strict, place: String = "data"
    ) throws(ABIError) -> [ABIValue] {
        var decoder = ABIDecoder(data: Array(data), layout: layout, path: ABIPath(root: place))
        let list = ABIType.tuple(types.map { ABIParameter($0) })
        let (values, end) = try decoder.values(of: .arguments(types), within: list, at: 0)
        let rest = decoder.data.count - end
        guard layout == .lenient || rest == 0 else { throw .trailingBytes(count: rest) }
        return values
    }
}

private struct ABIDecoder {
    let data: [UInt8]
    private let layout: ABILayout
    private let valueLimit: Int
    private var valuesLeft: Int
    private var path: ABIPath

    init(data: [UInt8], layout: ABILayout, path: ABIPath) {
        self.data = data
        self.layout = layout
        self.path = path
        // A canonical word is at most a value inside one array or tuple for each level, so honest data stays
        // below this; the addend leaves room for types whose values take no bytes.
        valueLimit = (data.count / 32 + 32) * 2 * ABIType.depthLimit
        valuesLeft = valueLimit
    }

    /// The values whose heads begin at `base`, and where they end: after the last tail.
    ///
    /// - Precondition: `base` is not beyond the end of the data.
    mutating func values(
        of sequence: ABISequence, within type: ABIType, at base: Int
    ) throws(ABIError) -> ([ABIValue], end: Int) {
        guard let headSize = sequence.headSize else { throw .typeTooLarge(place: "\(path)", type: "\(type)") }
        try require(headSize, at: base, for: type)
        try count(sequence.count)
        var values: [ABIValue] = []
        values.reserveCapacity(sequence.count)
        var head = base
        var end = base + headSize
        for index in 0..<sequence.count {
            let type = sequence.type(at: index)
            path.enter(sequence.step(at: index))
            if type.isDynamic {
                let start = try target(ofOffsetAt: head, from: base, type: type, canonical: end)
                let (value, valueEnd) = try self.value(of: type, at: start)
                values.append(value)
                end = max(end, valueEnd)
                head += 32
            } else {
                let (value, valueEnd) = try self.value(of: type, at: head)
                values.append(value)
                head = valueEnd
            }
            path.leave()
        }
        return (values, end)
    }

    private mutating func value(of type: ABIType, at start: Int) throws(ABIError) -> (ABIValue, end: Int) {
        switch type {
        case .uint, .int, .address, .bool, .fixedBytes, .function:
            try require(32, at: start, for: type)
            return (try ABIValue(word: data[start..<(start + 32)], as: type, at: path), start + 32)
        case .bytes:
            let (content, end) = try content(of: type, at: start)
            return (.bytes(Array(content)), end)
        case .string:
            let (content, end) = try content(of: type, at: start)
            guard let text = String(validating: content, as: UTF8.self) else { throw .notUTF8(place: "\(path)") }
            return (.string(text), end)
        case .array(let element):
            let length = try length(of: type, at: start, each: element.headSize)
            let (values, end) = try values(of: .elements(element, count: length), within: type, at: start + 32)
            return (.array(values), end)
        case .fixedArray(let element, let count):
            let (values, end) = try values(of: .elements(element, count: Int(count)), within: type, at: start)
            return (.array(values), end)
        case .tuple(let components):
            let (values, end) = try values(of: .components(components), within: type, at: start)
            return (.tuple(values), end)
        }
    }

    /// The bytes of a `bytes` or `string` whose length is at `start`, and where their padding ends.
    private mutating func content(of type: ABIType, at start: Int) throws(ABIError) -> (ArraySlice<UInt8>, end: Int) {
        let length = try length(of: type, at: start, each: 1)
        try require(32 + length + length.paddingToWord, at: start, for: type)
        try count(length / 32)
        let end = start + 32 + length
        let padding = data[end..<(end + length.paddingToWord)]
        guard padding.allSatisfy({ $0 == 0 }) else { throw .dirtyPadding(place: "\(path)", type: "\(type)") }
        return (data[(start + 32)..<end], padding.endIndex)
    }

    /// The length at `start`, each unit of which takes `size` bytes after it.
    private func length(of type: ABIType, at start: Int, each size: Int?) throws(ABIError) -> Int {
        try require(32, at: start, for: type)
        guard let size else { throw .typeTooLarge(place: "\(path)", type: "\(type)") }
        let number = word(at: start)
        let available = data.count - start - 32
        guard let length = number.uint64.flatMap(Int.init(exactly:)), size == 0 || length <= available / size else {
            throw .lengthOutside(
                place: "\(path)", type: "\(type)", length: number.quantity, available: available)
        }
        return length
    }

    /// Where the offset at `head` leads, which counts from `base`.
    private func target(
        ofOffsetAt head: Int, from base: Int, type: ABIType, canonical: Int
    ) throws(ABIError) -> Int {
        let number = word(at: head)
        guard let offset = number.uint64.flatMap(Int.init(exactly:)), offset <= data.count - base else {
            throw .offsetOutside(
                place: "\(path)", type: "\(type)", offset: number.quantity, available: data.count - base)
        }
        guard layout == .lenient || base + offset == canonical else {
            throw .notCanonical(place: "\(path)", type: "\(type)", offset: offset, expected: canonical - base)
        }
        return base + offset
    }

    /// The word at `start`, which was required.
    private func word(at start: Int) -> UInt256 { UInt256(bigEndian: data[start..<(start + 32)].span) ?? .max }

    private func require(_ needed: Int, at start: Int, for type: ABIType) throws(ABIError) {
        let available = data.count - start
        guard needed <= available else {
            throw .truncated(place: "\(path)", type: "\(type)", needed: needed, available: available)
        }
    }

    private mutating func count(_ values: Int) throws(ABIError) {
        guard values <= valuesLeft else { throw .tooManyValues(place: "\(path)", limit: valueLimit) }
        valuesLeft -= values
    }
}
