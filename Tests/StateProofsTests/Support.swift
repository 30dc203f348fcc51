import JSON
import Primitives
import TestVectors
import Testing

/// A header, a trie's key or an account out of state-proofs.json.
struct Vector: Sendable, CustomTestStringConvertible {
    let json: JSONObject

    static let headers = load("headers")
    static let tries = load("tries")
    static let accounts = load("accounts")
    /// A key that is there and one that is not, of each trie.
    static let someTries = Dictionary(grouping: tries) { "\($0.name) \($0.json["value"] != nil)" }
        .values.compactMap(\.first)

    private static func load(_ member: String) -> [Vector] {
        ((try? TestVectors.load("state-proofs.json", member: member)) ?? []).map(Vector.init)
    }

    var name: String { (try? json.string("name")) ?? "" }
    var testDescription: String { name }

    func word(_ name: String) throws -> Bytes32 { try Bytes32(hex: json.string(name)) }
    func words(_ name: String) throws -> [Bytes32] { try json.strings(name).map { try Bytes32(hex: $0) } }
}

extension JSONObject {
    func strings(_ name: String) throws -> [String] { try array(name).compactMap(\.string) }

    /// A copy with another value of a member; nil takes it away.
    func with(_ name: String, _ value: JSONValue?) -> JSONObject {
        var rest = members.filter { $0.name != name }
        if let value { rest.append((name, value)) }
        return JSONObject(members: rest)
    }
}

extension [UInt8] {
    /// Copies with one bit flipped, another one of the eight in each byte.
    var flipped: [[UInt8]] {
        indices.map { index in
            var copy = self
            copy[index] ^= 1 << UInt8(index % 8)
            return copy
        }
    }
}
