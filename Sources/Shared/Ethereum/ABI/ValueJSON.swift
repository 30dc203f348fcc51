package import JSON
import Primitives

extension ABIValue {
    /// The value that a JSON value is.
    ///
    /// Integers are JSON's whole numbers or strings as on a command line; truth values `true` and `false`; addresses
    /// and bytes hex strings; arrays arrays; tuples arrays, or objects by the components' names, whose other members
    /// are ignored.
    /// - Parameter place: what an error calls the value.
    /// - Throws: ``ABIError``.
    package init(json: JSONValue, as type: ABIType, place: String = "value") throws(ABIError) {
        try self.init(json: json, as: type, at: ABIPath(root: place))
    }

    /// The value of a type, from JSON.
    ///
    /// - Parameter path: where the value stands, for errors.
    /// - Throws: ``ABIError`` if the JSON is not a value of the type.
    init(json: JSONValue, as type: ABIType, at path: ABIPath) throws(ABIError) {
        switch (type, json) {
        case (.uint, .number(let digits)), (.int, .number(let digits)):
            try self.init(text: digits, as: type, at: path)
        case (.bool, .bool(let value)): self = .bool(value)
        case (.array(let element), .array(let elements)):
            self = .array(try Self.list(elements, as: .elements(element, count: elements.count), of: type, at: path))
        case (.fixedArray(let element, let count), .array(let elements)):
            self = .array(try Self.list(elements, as: .elements(element, count: Int(count)), of: type, at: path))
        case (.tuple(let components), .array(let elements)):
            self = .tuple(try Self.list(elements, as: .components(components), of: type, at: path))
        case (.tuple(let components), .object(let object)):
            let elements = try components.ordered(object, of: type, at: path)
            self = .tuple(try Self.list(elements, as: .components(components), of: type, at: path))
        case (.bool, _), (.array, _), (.fixedArray, _), (.tuple, _):
            throw path.notAValue(json.compact, of: type, expected: Self.expectedJSON(of: type))
        case (_, .string(let text)): try self.init(text: text, as: type, at: path)
        default: throw path.notAValue(json.compact, of: type, expected: Self.expectedJSON(of: type))
        }
    }

    /// The values of an array's elements.
    ///
    /// - Parameters:
    ///   - type: the array's type, for errors.
    ///   - path: where the array stands.
    /// - Throws: ``ABIError`` if there are too many or too few, or one is not of its type.
    static func list(
        _ elements: [JSONValue], as sequence: ABISequence, of type: ABIType, at path: ABIPath
    ) throws(ABIError) -> [ABIValue] {
        guard elements.count == sequence.count else {
            throw .wrongCount(
                place: "\(path)", type: "\(type)", expected: sequence.count, actual: elements.count)
        }
        var path = path
        var values: [ABIValue] = []
        for (index, element) in elements.enumerated() {
            path.enter(sequence.step(at: index))
            values.append(try ABIValue(json: element, as: sequence.type(at: index), at: path))
            path.leave()
        }
        return values
    }

    private static func expectedJSON(of type: ABIType) -> String {
        switch type {
        case .uint, .int: "a whole number, or a string with one"
        case .bool: "true or false"
        case .array, .fixedArray: "an array"
        case .tuple: "an array, or an object with the components' names"
        case .address, .fixedBytes, .function, .bytes, .string: "a string"
        }
    }

    /// The value as JSON: unsigned integers as quantities (`"0x1f"`), signed ones as decimal strings, bytes as hex,
    /// addresses in EIP-55, a tuple as an object if its components have distinct names, otherwise as an array.
    ///
    /// - Parameter type: where the names come from; a value of another type goes without.
    package func json(as type: ABIType) -> JSONValue {
        switch (self, type) {
        case (.uint(let number), _): .string(number.quantity)
        case (.int(let number), _): .string("\(number)")
        case (.address(let address), _): .string(address.checksummed)
        case (.bool(let value), _): .bool(value)
        case (.fixedBytes(let bytes), _), (.bytes(let bytes), _): .string(bytes.hex)
        case (.string(let text), _): .string(text)
        case (.array(let elements), .array(let element)), (.array(let elements), .fixedArray(let element, _)):
            .array(elements.map { $0.json(as: element) })
        case (.tuple(let values), .tuple(let components)): components.json(values)
        case (.array(let values), _), (.tuple(let values), _): .array(values.map { $0.json(as: .tuple([])) })
        }
    }
}

extension [ABIParameter] {
    /// The values as JSON: an object if the parameters have distinct names, otherwise an array.
    package func json(_ values: [ABIValue]) -> JSONValue {
        named(
            values.enumerated().map { index, value in value.json(as: index < count ? self[index].type : .tuple([])) })
    }

    /// The parts under the parameters' names, or in an array.
    fileprivate func named(_ parts: [JSONValue]) -> JSONValue {
        guard let names = distinctNames, names.count == parts.count else { return .array(parts) }
        return .object(JSONObject(members: zip(names, parts).map { ($0, $1) }))
    }

    /// The members that an object has for the parameters, in their order.
    ///
    /// - Throws: ``ABIError`` if one is missing, or the object has others.
    func ordered(
        _ object: JSONObject, of type: ABIType, at path: ABIPath
    ) throws(ABIError) -> [JSONValue] {
        guard let names = distinctNames else {
            throw path.notAValue(
                JSONValue.object(object).compact, of: type, expected: "an array, since some values have no name")
        }
        return try names.map { name throws(ABIError) in
            guard let value = object[name] else {
                throw .missingComponent(place: "\(path)", type: "\(type)", name: name)
            }
            return value
        }
    }
}

extension ABIEvent {
    /// The values of a log as JSON: an object if the parameters have distinct names, otherwise an array. An indexed
    /// value of which the log has only the hash is `{"hash":"0x…"}`.
    package func json(_ values: [Value]) -> JSONValue {
        let parts = zip(inputs, values).map { input, value -> JSONValue in
            switch value {
            case .value(let value): value.json(as: input.parameter.type)
            case .hash(let hash): .members(["hash": .string(hash.hex)])
            }
        }
        return inputs.map(\.parameter).named(parts)
    }
}
