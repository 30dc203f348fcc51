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
    /// addresses in EIP-55, a tuple as an object if its components have distinct names, else as an array.
    ///
    /// - Parameter type: where the names come from; a value of another type goes without.
    package func json(as type: ABIType) -> JSONValue {
        switch (self, type) {
        case (.uint(let number), _): .string("0x" + String(number, radix: 16))
        case (.int(let number), _): .string(String(number))
        case (.address(let address), _): .string(address.checksummed)
        case (.bool(let value), _): .bool(value)
        case (.fixedBytes(let bytes), _), (.bytes(let bytes), _): .string(bytes.hex)
        case (.string(let text), _): .string(text)
        case (.array(let elements), .array(let element)), (.array(let elements), .fixedArray(let element, _)):
            .array(elements.map { $0.json(as: element) })
        case (.tuple(let values), .tuple(let components)): components.json(values)
        case (.array(let values), _), (.tuple(let values), _): [ABIParameter]().json(values)
        }
    }
}

extension [ABIParameter] {
    /// The values of the list from words of a command line.
    ///
    /// - Throws: ``ABIError``, among them ``ABIError/wrongCount(place:type:expected:actual:)``.
    package func values(arguments: [String], place: String = "args") throws(ABIError) -> [ABIValue] {
        guard arguments.count == count else {
            throw .wrongCount(place: place, type: canonicalTypes, expected: count, actual: arguments.count)
        }
        var path = ABIPath(root: place)
        var values: [ABIValue] = []
        for (index, (parameter, argument)) in zip(self, arguments).enumerated() {
            path.enter(.index(index))
            values.append(try ABIValue(argument: argument, as: parameter.type, at: path))
            path.leave()
        }
        return values
    }

    /// The values of the list from a JSON array, or from an object by the parameters' names.
    ///
    /// - Throws: ``ABIError``.
    package func values(json: JSONValue, place: String = "args") throws(ABIError) -> [ABIValue] {
        let path = ABIPath(root: place)
        let type = ABIType.tuple(self)
        switch json {
        case .array(let elements):
            return try ABIValue.list(elements, as: .arguments(map(\.type)), of: type, at: path)
        case .object(let object):
            return try ABIValue.list(
                ordered(object, of: type, at: path), as: .components(self), of: type, at: path)
        default: throw path.notAValue(json.compact, of: type, expected: "an array or an object")
        }
    }

    /// The values as JSON: an object if the parameters have distinct names, else an array.
    package func json(_ values: [ABIValue]) -> JSONValue {
        let elements = values.enumerated().map { index, value in
            value.json(as: index < count ? self[index].type : .tuple([]))
        }
        guard let names = distinctNames, !names.isEmpty, names.count == elements.count else {
            return .array(elements)
        }
        return .object(JSONObject(members: zip(names, elements).map { ($0, $1) }))
    }

    /// The members that an object has for the parameters, in their order.
    fileprivate func ordered(
        _ object: JSONObject, of type: ABIType, at path: ABIPath
    ) throws(ABIError) -> [JSONValue] {
        guard let names = distinctNames else {
            throw path.notAValue(
                JSONValue.object(object).compact, of: type, expected: "an array, since not all values have a name")
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
    /// The values of a log as JSON: an object if the parameters have distinct names, else an array.
    package func json(_ values: [Value]) -> JSONValue {
        let plain = values.map { value -> ABIValue in
            switch value {
            case .value(let value): value
            case .hash(let hash): .word(hash)
            }
        }
        return inputs.map(\.parameter).json(plain)
    }
}
