import JSON
import Primitives

extension JSONValue {
    private func parsed<Value>(
        of method: String, as expected: String, _ parse: (String) throws(PrimitiveError) -> Value
    ) throws(NodeError) -> Value {
        guard let string, let value = try? parse(string) else {
            throw .malformed(method: method, expected: expected)
        }
        return value
    }

    /// The quantity of at most 64 bits that the value is.
    func number(of method: String) throws(NodeError) -> UInt64 {
        try parsed(of: method, as: "a quantity of at most 64 bits", UInt64.init(quantity:))
    }

    /// The quantity that the value is.
    func quantity(of method: String) throws(NodeError) -> Quantity {
        try parsed(of: method, as: "a quantity", Quantity.init(hex:))
    }

    /// The bytes that the value is.
    func bytes(of method: String) throws(NodeError) -> [UInt8] {
        try parsed(of: method, as: "hex") { text throws(PrimitiveError) in try Hex.decode(text) }
    }

    /// The 32 bytes that the value is.
    func hash(of method: String) throws(NodeError) -> Bytes32 {
        try parsed(of: method, as: "32 bytes of hex") { text throws(PrimitiveError) in try Bytes32(hex: text) }
    }

    /// The address that the value is.
    func address(of method: String) throws(NodeError) -> Address {
        try parsed(of: method, as: "an address") { text throws(PrimitiveError) in try Address(hex: text) }
    }

    /// A member of the object that the value is; absent and null are nil.
    func member(_ name: String) -> JSONValue? { object?[name].flatMap { $0.isNull ? nil : $0 } }

    /// A member that must be there.
    func member(_ name: String, of method: String) throws(NodeError) -> JSONValue {
        guard let value = member(name) else { throw .malformed(method: method, expected: "an object with \(name)") }
        return value
    }

    /// The elements of the array that the value is.
    func elements(of method: String) throws(NodeError) -> [JSONValue] {
        guard let array else { throw .malformed(method: method, expected: "an array") }
        return array
    }
}
