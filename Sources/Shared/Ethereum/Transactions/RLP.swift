package import Failures

/// Why bytes are not the canonical RLP of anything.
package enum RLPError: UserFacingError, Equatable {
    /// The bytes end inside an item.
    case truncated
    /// Bytes follow the item.
    case trailingBytes(count: Int)
    /// An item in a longer form than it needs: a second encoding of the same value.
    case notCanonical
    /// Lists inside each other beyond the limit.
    case tooDeep(limit: Int)
    /// A string where a list should be, a list where a string should be, or another number of elements.
    case wrongShape(expected: String)

    package var kind: ErrorCategory { .badInput }

    package var description: String {
        switch self {
        case .truncated: "the RLP ends inside an item"
        case .trailingBytes(let count): "\(count) bytes follow the RLP item"
        case .notCanonical: "the RLP is not canonical"
        case .tooDeep(let limit): "the RLP is nested more than \(limit) lists deep"
        case .wrongShape(let expected): "the RLP is not \(expected)"
        }
    }
}

/// Recursive Length Prefix (Ethereum yellow paper, appendix B): strings of bytes, and lists of such.
package indirect enum RLP: Equatable, Sendable {
    /// A byte string.
    case string([UInt8])
    /// A list of items.
    case list([RLP])

    /// How deeply lists may be nested when decoding.
    package static let depthLimit = 32

    /// The bytes that encode the item.
    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    private func append(to bytes: inout [UInt8]) {
        switch self {
        case .string(let string):
            if let byte = string.first, string.count == 1, byte < 0x80 {
                bytes.append(byte)
            } else {
                bytes += Self.header(offset: 0x80, count: string.count) + string
            }
        case .list(let items):
            var payload: [UInt8] = []
            for item in items { item.append(to: &payload) }
            bytes += Self.header(offset: 0xC0, count: payload.count) + payload
        }
    }

    private static func header(offset: UInt8, count: Int) -> [UInt8] {
        guard count > 55 else { return [offset + UInt8(count)] }
        var length: [UInt8] = []
        var rest = count
        while rest > 0 {
            length.insert(UInt8(truncatingIfNeeded: rest), at: 0)
            rest >>= 8
        }
        return [offset + 55 + UInt8(length.count)] + length
    }

    /// The item that the bytes are, all of them.
    ///
    /// - Throws: ``RLPError``; every form but the canonical one is refused.
    package init(decoding bytes: some Collection<UInt8>) throws(RLPError) {
        var rest = Array(bytes)[...]
        self = try Self.item(from: &rest, depth: 0)
        guard rest.isEmpty else { throw .trailingBytes(count: rest.count) }
    }

    private static func item(from rest: inout ArraySlice<UInt8>, depth: Int) throws(RLPError) -> RLP {
        guard let first = rest.popFirst() else { throw .truncated }
        switch first {
        case 0x00...0x7F: return .string([first])
        case 0x80...0xB7:
            let string = try take(Int(first - 0x80), from: &rest)
            if let byte = string.first, string.count == 1, byte < 0x80 { throw .notCanonical }
            return .string(Array(string))
        case 0xB8...0xBF:
            return .string(Array(try take(longCount(Int(first - 0xB7), from: &rest), from: &rest)))
        case 0xC0...0xF7:
            return try list(take(Int(first - 0xC0), from: &rest), depth: depth)
        default:
            return try list(take(longCount(Int(first - 0xF7), from: &rest), from: &rest), depth: depth)
        }
    }

    private static func list(_ payload: ArraySlice<UInt8>, depth: Int) throws(RLPError) -> RLP {
        guard depth < depthLimit else { throw .tooDeep(limit: depthLimit) }
        var rest = payload
        var items: [RLP] = []
        while !rest.isEmpty { items.append(try item(from: &rest, depth: depth + 1)) }
        return .list(items)
    }

    /// A length in `size` bytes of its own: without leading zeros, and more than 55.
    private static func longCount(_ size: Int, from rest: inout ArraySlice<UInt8>) throws(RLPError) -> Int {
        let digits = try take(size, from: &rest)
        guard digits.first != 0 else { throw .notCanonical }
        var count: UInt64 = 0
        for digit in digits { count = count << 8 | UInt64(digit) }
        guard count > 55 else { throw .notCanonical }
        guard let count = Int(exactly: count) else { throw .truncated }
        return count
    }

    private static func take(_ count: Int, from rest: inout ArraySlice<UInt8>) throws(RLPError) -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw .truncated }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    /// The bytes of a string.
    ///
    /// - Throws: ``RLPError/wrongShape(expected:)`` for a list.
    package func string() throws(RLPError) -> [UInt8] {
        guard case .string(let bytes) = self else { throw .wrongShape(expected: "a string of bytes") }
        return bytes
    }

    /// The items of a list.
    ///
    /// - Throws: ``RLPError/wrongShape(expected:)`` for a string, or for another number of items than `count`.
    package func list(count: Int? = nil) throws(RLPError) -> [RLP] {
        guard case .list(let items) = self else { throw .wrongShape(expected: "a list") }
        if let count, items.count != count { throw .wrongShape(expected: "a list of \(count) items") }
        return items
    }
}
