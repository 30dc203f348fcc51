package import BigInt
package import Primitives

/// A value of the contract ABI.
package indirect enum ABIValue: Hashable, Sendable {
    /// Of type `uintN`.
    case uint(BigUInt)
    /// Of type `intN`.
    case int(BigInt)
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
        case .bool: "a truth value"
        case .fixedBytes(let bytes): "\(bytes.count) fixed bytes"
        case .bytes: "bytes"
        case .string: "a string"
        case .array: "an array"
        case .tuple: "a tuple"
        }
    }
}
