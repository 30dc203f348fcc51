package import JSON

// Inside this file a mistake is a JSONError, which knows its line and its member.

extension ABIParameter {
    /// Reads an element of `inputs`, `outputs` or `components`.
    ///
    /// - Throws: ``JSONError`` if a member is missing or malformed.
    init(_ object: JSONObject) throws(JSONError) {
        // JSON's own limit of nesting bounds the recursion; the type's limit, which is lower, is the scanner's.
        let components = try object.string("type").hasPrefix("tuple") ? Self.list("components", of: object) : nil
        let type = try object.parsed("type", as: "an ABI type") { text throws(ABIError) in
            guard let components else { return try ABIType(text) }
            return try ABIType(text, components: components)
        }
        let name = try object.optionalString("name")
        self.init(type, name: name == "" ? nil : name)
    }

    fileprivate static func list(_ member: String, of object: JSONObject) throws(JSONError) -> [ABIParameter] {
        try objects(member, of: object).map { entry throws(JSONError) in try ABIParameter(entry) }
    }

    fileprivate static func objects(_ member: String, of object: JSONObject) throws(JSONError) -> [JSONObject] {
        try object.array(member).map { element throws(JSONError) in
            guard let entry = element.object else { throw object.illTyped(member, expected: "an array of objects") }
            return entry
        }
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

    /// One entry of a JSON interface.
    ///
    /// - Throws: ``ABIError/json(_:)``, which names the line and the member.
    package init(json: JSONValue) throws(ABIError) {
        do throws(JSONError) { try self.init(json) } catch { throw .json(error) }
    }

    /// Reads an entry of a JSON interface.
    ///
    /// - Throws: ``JSONError`` if it is not an object, or a member is missing or malformed.
    init(_ json: JSONValue) throws(JSONError) {
        guard let object = json.object else { throw .notAnObject(line: 1) }
        // An entry without a type is a function, says Solidity's specification of the JSON.
        switch try object.optionalString("type") ?? "function" {
        case "function":
            let outputs = object["outputs"] == nil ? [] : try ABIParameter.list("outputs", of: object)
            self = .function(
                ABIFunction(
                    name: try object.name(), inputs: try ABIParameter.list("inputs", of: object),
                    outputs: outputs, mutability: try object.mutability()))
        case "event":
            let inputs = try ABIParameter.objects("inputs", of: object).map { entry throws(JSONError) in
                ABIEvent.Parameter(try ABIParameter(entry), isIndexed: try entry.flag("indexed"))
            }
            self = .event(
                ABIEvent(name: try object.name(), inputs: inputs, isAnonymous: try object.flag("anonymous")))
        case "error":
            self = .revert(ABIRevert(name: try object.name(), inputs: try ABIParameter.list("inputs", of: object)))
        case "constructor":
            let inputs = object["inputs"] == nil ? [] : try ABIParameter.list("inputs", of: object)
            self = .constructor(ABIConstructor(inputs: inputs, mutability: try object.mutability()))
        case "fallback", "receive": self = .fallback
        default: throw object.illTyped("type", expected: "function, event, error, constructor, fallback or receive")
        }
    }
}

extension JSONObject {
    /// The name, which must be one: it becomes part of a signature that is hashed.
    fileprivate func name() throws(JSONError) -> String {
        try parsed("name", as: "a name") { text throws(ABIError) in
            var scanner = SignatureScanner(text)
            let name = try scanner.requireIdentifier("a letter")
            try scanner.requireEnd()
            return name
        }
    }

    fileprivate func flag(_ name: String) throws(JSONError) -> Bool {
        guard let value = self[name] else { return false }
        guard let flag = value.bool else { throw illTyped(name, expected: "true or false") }
        return flag
    }

    fileprivate func mutability() throws(JSONError) -> StateMutability? {
        guard let text = try optionalString("stateMutability") else {
            // Compilers before Solidity 0.5 wrote two flags instead.
            if try flag("constant") { return .view }
            return try flag("payable") ? .payable : nil
        }
        guard let mutability = StateMutability(rawValue: text) else {
            throw illTyped("stateMutability", expected: "pure, view, nonpayable or payable")
        }
        return mutability
    }
}

extension ABIFunction {
    /// A function from its entry in a JSON interface.
    ///
    /// - Throws: ``ABIError/json(_:)``.
    package init(json: JSONValue) throws(ABIError) {
        guard case .function(let function) = try ABIDefinition(json: json) else { throw json.not("function") }
        self = function
    }
}

extension ABIEvent {
    /// An event from its entry in a JSON interface.
    ///
    /// - Throws: ``ABIError/json(_:)``.
    package init(json: JSONValue) throws(ABIError) {
        guard case .event(let event) = try ABIDefinition(json: json) else { throw json.not("event") }
        self = event
    }
}

extension ABIRevert {
    /// A custom error from its entry in a JSON interface.
    ///
    /// - Throws: ``ABIError/json(_:)``.
    package init(json: JSONValue) throws(ABIError) {
        guard case .revert(let revert) = try ABIDefinition(json: json) else { throw json.not("error") }
        self = revert
    }
}

extension ABIConstructor {
    /// A constructor from its entry in a JSON interface.
    ///
    /// - Throws: ``ABIError/json(_:)``.
    package init(json: JSONValue) throws(ABIError) {
        guard case .constructor(let constructor) = try ABIDefinition(json: json) else {
            throw json.not("constructor")
        }
        self = constructor
    }
}

extension JSONValue {
    fileprivate func not(_ type: String) -> ABIError {
        .json(.illTyped(line: object?.line ?? 1, member: (object?.path ?? "") + "type", expected: type))
    }
}
