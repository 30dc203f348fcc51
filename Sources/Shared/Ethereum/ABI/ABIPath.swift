package import Primitives

/// Names that may stand where an address is meant.
package typealias AddressNames = [String: Address]

/// Where in a list of values the work is, for an error to name: `args[2].amount`, `argument 3 (recipients[2])`.
struct ABIPath: CustomStringConvertible {
    /// A step into a value: to an element of an array, or to a component of a tuple.
    enum Step {
        case index(Int)
        case name(String)
    }

    private let root: String
    private let end: String
    private var steps: [Step] = []
    /// What addresses may be called there.
    let names: AddressNames

    init(root: String, names: AddressNames = [:]) {
        self.root = root
        self.names = names
        end = ""
    }

    /// An argument, which errors count from 1: `argument 2`, or `argument 2 (recipients)` if it has a name.
    init(argument index: Int, name: String?, names: AddressNames = [:]) {
        self.names = names
        root = "argument \(index + 1)" + (name.map { " (\($0)" } ?? "")
        end = name == nil ? "" : ")"
    }

    /// Goes to a part of the value.
    mutating func enter(_ step: Step) { steps.append(step) }

    /// Goes back to where it was before ``enter(_:)``. An error leaves the path where it arose.
    mutating func leave() { _ = steps.popLast() }

    var description: String {
        steps.reduce(into: root) { text, step in
            switch step {
            case .index(let index): text += "[\(index)]"
            case .name(let name): text += text.isEmpty ? name : ".\(name)"
            }
        } + end
    }
}
