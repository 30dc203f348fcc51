import Failures
package import JSON

extension ABIParameter {
    /// Reads an element of `inputs`, `outputs` or `components`.
    ///
    /// - Parameter place: what an error calls it.
    /// - Throws: ``ABIError/badParameter(place:type:reason:)``, or ``ABIError/json(_:)`` for a member.
    init(_ object: JSONObject, place: String) throws(ABIError) {
        let name = try object.read { json throws(JSONError) in try json.optionalString("name") }
        let text = try object.read { json throws(JSONError) in try json.string("type") }
        // JSON's own limit of nesting bounds the recursion; the type's limit, which is lower, is the scanner's.
        let components = text.hasPrefix("tuple") ? try Self.list("components", of: object, each: "component") : nil
        let type: ABIType
        do {
            type = if let components { try ABIType(text, components: components) } else { try ABIType(text) }
        } catch {
            let reason =
                switch error {
                case .fixedPointType: "which is not supported"
                case .typeTooDeep(let limit): "which is nested more than \(limit) levels deep"
                default: "which is not a type of the ABI"
                }
            throw .badParameter(place: place, type: text, reason: reason)
        }
        self.init(type, name: name == "" ? nil : name)
    }

    /// The parameters that a member lists.
    ///
    /// - Parameter noun: what an error calls each of them.
    /// - Throws: as ``init(_:place:)``.
    static func list(
        _ member: String, of object: JSONObject, each noun: String = "parameter"
    ) throws(ABIError) -> [ABIParameter] {
        try objects(member, of: object).enumerated().map { index, entry throws(ABIError) in
            try ABIParameter(entry, place: place(noun, index, entry))
        }
    }

    /// The objects that a member lists.
    ///
    /// - Throws: ``ABIError/json(_:)``.
    fileprivate static func objects(_ member: String, of object: JSONObject) throws(ABIError) -> [JSONObject] {
        try object.read { json throws(JSONError) in
            try json.array(member).map { element throws(JSONError) in
                guard let entry = element.object else {
                    throw json.illTyped(member, expected: "an array of objects")
                }
                return entry
            }
        }
    }

    /// What an error calls an element of a list: by its name, or by its number, which counts from 1.
    fileprivate static func place(_ noun: String, _ index: Int, _ object: JSONObject) -> String {
        guard let name = object["name"]?.string, !name.isEmpty else { return "\(noun) \(index + 1)" }
        return "\(noun) \(name.quoted())"
    }
}

/// One entry of a contract's interface.
package enum ABIDefinition: Hashable, Sendable {
    /// A function.
    case function(ABIFunction)
    /// An event.
    case event(ABIEvent)
    /// A custom error.
    case revert(ABIRevert)
    /// The constructor.
    case constructor(ABIConstructor)
    /// What runs where no function's selector matches, and says nothing of its own: `fallback` or `receive`.
    case fallback
    /// An entry that has something in it which the ABI does not know.
    case unusable(UnusableEntry)

    /// An entry of a JSON interface.
    ///
    /// - Throws: ``ABIError`` if a member is missing or malformed, or a type unknown.
    package init(_ object: JSONObject) throws(ABIError) {
        // An entry without a type is a function, says Solidity's specification of the JSON.
        switch try object.read({ json throws(JSONError) in try json.optionalString("type") }) ?? "function" {
        case "function":
            let outputs =
                object["outputs"] == nil ? [] : try ABIParameter.list("outputs", of: object, each: "return value")
            self = .function(
                ABIFunction(
                    name: try object.name(), inputs: try ABIParameter.list("inputs", of: object),
                    outputs: outputs, mutability: try object.mutability()))
        case "event":
            let inputs = try ABIParameter.objects("inputs", of: object)
            let parameters = try inputs.enumerated().map { index, entry throws(ABIError) in
                let parameter = try ABIParameter(entry, place: ABIParameter.place("parameter", index, entry))
                return ABIEvent.Parameter(parameter, isIndexed: try entry.flag("indexed"))
            }
            self = .event(
                ABIEvent(name: try object.name(), inputs: parameters, isAnonymous: try object.flag("anonymous")))
        case "error":
            self = .revert(ABIRevert(name: try object.name(), inputs: try ABIParameter.list("inputs", of: object)))
        case "constructor":
            let inputs = object["inputs"] == nil ? [] : try ABIParameter.list("inputs", of: object)
            self = .constructor(ABIConstructor(inputs: inputs, mutability: try object.mutability()))
        case "fallback", "receive": self = .fallback
        default:
            throw .json(
                object.illTyped("type", expected: "function, event, error, constructor, fallback or receive"))
        }
    }
}

extension JSONObject {
    /// What `read` makes of the object, whose errors become the interface's.
    ///
    /// - Throws: ``ABIError/json(_:)``.
    func read<Value>(_ read: (JSONObject) throws(JSONError) -> Value) throws(ABIError) -> Value {
        do { return try read(self) } catch { throw .json(error) }
    }

    /// The name, which must be one: it becomes part of a signature that is hashed.
    fileprivate func name() throws(ABIError) -> String {
        try read { json throws(JSONError) in
            try json.parsed("name", as: "a name") { text throws(ABIError) in
                var scanner = SignatureScanner(text)
                let name = try scanner.requireIdentifier("a letter")
                try scanner.requireEnd()
                return name
            }
        }
    }

    fileprivate func flag(_ name: String) throws(ABIError) -> Bool {
        guard let value = self[name] else { return false }
        guard let flag = value.bool else { throw .json(illTyped(name, expected: "true or false")) }
        return flag
    }

    fileprivate func mutability() throws(ABIError) -> StateMutability? {
        guard let text = try read({ json throws(JSONError) in try json.optionalString("stateMutability") }) else {
            // Compilers before Solidity 0.5 wrote two flags instead.
            if try flag("constant") { return .view }
            return try flag("payable") ? .payable : nil
        }
        guard let mutability = StateMutability(rawValue: text) else {
            throw .json(illTyped("stateMutability", expected: "pure, view, nonpayable or payable"))
        }
        return mutability
    }
}
