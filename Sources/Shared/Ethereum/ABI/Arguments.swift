import Failures
package import JSON

extension [ABIParameter] {
    /// The values of the list from words of a command line.
    ///
    /// - Throws: ``ABIError``, which names the argument; among them ``ABIError/wrongCount(place:type:expected:actual:)``.
    package func values(arguments words: [String]) throws(ABIError) -> [ABIValue] {
        try values(of: words) { word, type, path throws(ABIError) in
            try ABIValue(argument: word, as: type, at: path)
        }
    }

    /// The values of the list from words of a command line that each come with the parameter's name, in any order.
    ///
    /// - Throws: ``ABIError``, among them ``ABIError/withoutNames(type:)``, ``ABIError/repeatedArgument(name:)``,
    ///   ``ABIError/unknownItem(item:name:near:)`` and ``ABIError/missingComponent(place:type:name:)``.
    package func values(named words: [(name: String, word: String)]) throws(ABIError) -> [ABIValue] {
        guard let names = distinctNames else { throw .withoutNames(type: canonicalTypes) }
        var given: [String: String] = [:]
        for (name, word) in words {
            guard names.contains(name) else {
                throw .unknownItem(item: "argument", name: name, near: name.nearest(in: names))
            }
            guard given.updateValue(word, forKey: name) == nil else { throw .repeatedArgument(name: name) }
        }
        let ordered = try names.map { name throws(ABIError) in
            guard let word = given[name] else {
                throw .missingComponent(place: Self.place, type: canonicalTypes, name: name)
            }
            return word
        }
        return try values(arguments: ordered)
    }

    /// The values of the list from a JSON array, or from an object by the parameters' names.
    ///
    /// - Throws: ``ABIError``, which names the argument.
    package func values(json: JSONValue) throws(ABIError) -> [ABIValue] {
        let path = ABIPath(root: Self.place)
        let type = ABIType.tuple(self)
        let elements: [JSONValue]
        switch json {
        case .array(let array): elements = array
        case .object(let object): elements = try ordered(object, of: type, at: path)
        default: throw path.notAValue(json.compact, of: type, expected: "an array or an object")
        }
        return try values(of: elements) { element, type, path throws(ABIError) in
            try ABIValue(json: element, as: type, at: path)
        }
    }

    /// What errors call the list.
    private static let place = "arguments"

    private func values<Part>(
        of parts: [Part], _ read: (Part, ABIType, ABIPath) throws(ABIError) -> ABIValue
    ) throws(ABIError) -> [ABIValue] {
        guard parts.count == count else {
            throw .wrongCount(place: Self.place, type: canonicalTypes, expected: count, actual: parts.count)
        }
        var values: [ABIValue] = []
        for (index, (parameter, part)) in zip(self, parts).enumerated() {
            values.append(try read(part, parameter.type, ABIPath(argument: index, name: parameter.name)))
        }
        return values
    }
}
