/// How wide a value is that fills part of a word: a whole number of bytes, 1 to 32.
package struct WordWidth: Hashable, Sendable {
    /// The number of bytes.
    package let bytes: Int
    /// The number of bits.
    package var bits: Int { bytes * 8 }

    /// - Returns: nil unless there are 1 to 32 bytes.
    package init?(bytes: Int) {
        guard 1...32 ~= bytes else { return nil }
        self.bytes = bytes
    }

    private init(checked bytes: Int) { self.bytes = bytes }

    /// All 32 bytes of a word.
    package static let word = WordWidth(checked: 32)
    /// The 24 bytes of an external function: its contract's address, then its selector.
    package static let externalFunction = WordWidth(checked: 24)
}

/// A type of the contract ABI, as Solidity and Vyper have it.
package indirect enum ABIType: Hashable, Sendable, CustomStringConvertible {
    /// uint8 to uint256.
    case uint(WordWidth)
    /// int8 to int256, in two's complement.
    case int(WordWidth)
    /// 20 bytes; `address payable` is the same.
    case address
    /// 0 or 1.
    case bool
    /// bytes1 to bytes32.
    case fixedBytes(WordWidth)
    /// A reference to a contract's function, encoded as bytes24.
    case function
    /// Bytes of any number.
    case bytes
    /// UTF-8 of any length.
    case string
    /// `T[]`.
    case array(ABIType)
    /// `T[k]`.
    case fixedArray(ABIType, count: UInt32)
    /// `(T1,T2,…)`; the components may have names.
    case tuple([ABIParameter])

    /// How deep arrays and tuples may stand inside each other in a type that is read from text.
    package static let depthLimit = 16

    /// The canonical text, as signatures have it: no aliases, no names, no spaces.
    package var description: String {
        switch self {
        case .uint(let width): "uint\(width.bits)"
        case .int(let width): "int\(width.bits)"
        case .address: "address"
        case .bool: "bool"
        case .fixedBytes(let width): "bytes\(width.bytes)"
        case .function: "function"
        case .bytes: "bytes"
        case .string: "string"
        case .array(let element): "\(element)[]"
        case .fixedArray(let element, let count): "\(element)[\(count)]"
        case .tuple(let components): components.canonicalTypes
        }
    }

    /// How many arrays and tuples stand inside each other: 0 for `uint256`, 2 for `(bytes)[]`.
    package var depth: Int {
        switch self {
        case .array(let element), .fixedArray(let element, _): 1 + element.depth
        case .tuple(let components): 1 + (components.map(\.type.depth).max() ?? 0)
        case .uint, .int, .address, .bool, .fixedBytes, .function, .bytes, .string: 0
        }
    }
}

/// A type and the name it has in a function's, an event's, an error's or a tuple's list.
package struct ABIParameter: Hashable, Sendable {
    /// The name, or nil if it has none.
    package let name: String?
    /// What it is.
    package let type: ABIType

    package init(_ type: ABIType, name: String? = nil) {
        self.name = name
        self.type = type
    }
}

extension [ABIParameter] {
    /// The types in canonical text, in parentheses, as they follow the name in a signature.
    package var canonicalTypes: String { "(\(map(\.type.description).joined(separator: ",")))" }

    /// The names, if every parameter has one and no two are the same; only then can an object stand for the list.
    package var distinctNames: [String]? {
        let names = compactMap(\.name)
        return names.count == count && Set(names).count == count ? names : nil
    }
}
