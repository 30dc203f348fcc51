import Failures
import JSON

/// An entry of an interface that cannot be used: what it defines, and why.
package struct UnusableEntry: Hashable, Sendable, CustomStringConvertible {
    /// What an entry defines.
    package enum Item: String, Sendable {
        /// As the type of the entry says.
        case function, event, error, constructor
        /// Something that the ABI does not know.
        case entry
    }

    /// What it defines.
    package let item: Item
    /// Its name, if it has one.
    package let name: String?
    /// The signature as its compiler hashes it, as far as the entry shows that: a library's has its own types in it.
    package let signature: String?
    /// Why it cannot be used.
    package let reason: String

    /// What it is, and why it cannot be used: `function "f": parameter "x" has the type …`.
    package var description: String { "\(title): \(reason)" }

    /// What it is: `function "f"`.
    package var title: String { item.rawValue + (name.map { " \($0.quoted())" } ?? "") }

    /// An entry of a JSON interface.
    init(_ object: JSONObject, reason: String) {
        item = (object["type"] ?? .string("function")).string.flatMap(Item.init) ?? .entry
        name = object["name"]?.string
        let types = object["inputs"]?.array?.map { input -> String in
            guard let input = input.object, let type = input["type"]?.string else { return "" }
            if let known = try? ABIParameter(input, place: "").type { return "\(known)" }
            // Some compilers write the kind of a library's type, which is no part of the signature.
            return ["enum ", "struct ", "contract "].first(where: type.hasPrefix).map {
                String(type.dropFirst($0.count))
            }
                ?? type
        }
        signature = name.flatMap { name in types.map { "\(name)(\($0.joined(separator: ",")))" } }
        self.reason = reason
    }

    /// An entry that is written as a definition.
    init(_ item: Item, name: String?, reason: String) {
        self.item = item
        self.name = name
        signature = nil
        self.reason = reason
    }
}
