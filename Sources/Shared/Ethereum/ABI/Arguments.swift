import Failures
package import JSON

extension [ABIParameter] {
    /// The values of the list from words of a command line.
    ///
    /// - Parameter names: what addresses may be called.
    /// - Throws: ``ABIError``, which names the argument; among them ``ABIError/wrongCount(place:type:expected:actual:)``.
    package func values(arguments words: [String], names: AddressNames = [:]) throws(ABIError) -> [ABIValue] {
        try values(of: words, names) { word, type, path throws(ABIError) in
            try ABIValue(argument: word, as: type, at: path)
        }
    }

    /// The values of the list from words of a command line that each come with the parameter's name, in any order.
    ///
    /// - Throws: ``ABIError``, among them ``ABIError/withoutNames(type:)``, ``ABIError/repeatedArgument(name:)``,
    ///   ``ABIError/unknownItem(item:name:known:)`` and ``ABIError/missingComponent(place:type:name:)``.
    package func values(
        named words: [(name: String, word: String)], names addresses: AddressNames = [:]
    ) throws(ABIError) -> [ABIValue] {
        guard let names = distinctNames else { throw .withoutNames(type: canonicalTypes) }
        var given: [String: String] = [:]
        for (name, word) in words {
            guard names.contains(name) else {
                throw .unknownItem(item: "argument", name: name, known: names)
            }
            guard given.updateValue(word, forKey: name) == nil else { throw .repeatedArgument(name: name) }
        }
        let ordered = try names.map { name throws(ABIError) in
            guard let word = given[name] else {
                throw .missingComponent(place: Self.place, type: canonicalTypes, name: name)
            }
            return word
        }
        return try values(arguments: ordered, names: addresses)
    }

    /// The values of the list from a JSON array, or from an object by the parameters' names.
    ///
    /// - Throws: ``ABIError``, which names the argument.
    package func values(json: JSONValue, names: AddressNames = [:]) throws(ABIError) -> [ABIValue] {
        let path = ABIPath(root: Self.place)
        let type = ABIType.tuple(self)
        let elements: [JSONValue]
        switch json {
        case .array(let array): elements = array
        case .object(let object): elements = try ordered(object, of: type, at: path)
        default: throw path.notAValue(json.compact, of: type, expected: "an array or an object")
        }
        return try values(of: elements, names) { element, type, path throws(ABIError) in
            try ABIValue(json: element, as: type, at: path)
        }
    }

    /// What errors call the list.
    private static let place = "arguments"

    private func values<Part>(
        of parts: [Part], _ names: AddressNames, _ read: (Part, ABIType, ABIPath) throws(ABIError) -> ABIValue
    ) throws(ABIError) -> [ABIValue] {
        guard parts.count == count else {
            throw .wrongCount(place: Self.place, type: canonicalTypes, expected: count, actual: parts.count)
        }
        var values: [ABIValue] = []
        for (index, (parameter, part)) in zip(self, parts).enumerated() {
            values.append(try read(part, parameter.type, ABIPath(argument: index, name: parameter.name, names: names)))
        }
        return values
    }
}

/// Reads an array or a tuple from a word of a command line: `[(0x01,"a, b"),(0x02,"c")]`.
struct ArgumentReader {
    private let text: String
    private let bytes: [UInt8]
    private var position = 0
    private var path: ABIPath

    init(_ text: String, path: ABIPath) {
        self.text = text
        bytes = Array(text.utf8)
        self.path = path
    }

    /// The value that all of the text is.
    ///
    /// - Throws: ``ABIError`` if it is not a value of the type, or goes on behind it.
    mutating func whole(_ type: ABIType) throws(ABIError) -> ABIValue {
        let value = try value(type)
        guard peek == nil else { throw expected("the end", of: type) }
        return value
    }

    private var peek: UInt8? {
        mutating get {
            while position < bytes.count, Self.isSpace(bytes[position]) { position += 1 }
            return position < bytes.count ? bytes[position] : nil
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expected(_ what: String, of type: ABIType) -> ABIError {
        _ = peek
        return path.notAValue(text, of: type, expected: "\(what) at position \(position)")
    }

    private mutating func value(_ type: ABIType) throws(ABIError) -> ABIValue {
        switch type {
        case .array(let element):
            return .array(try list("[", "]", as: .elements(element, count: .max), of: type))
        case .fixedArray(let element, let count):
            return .array(try list("[", "]", as: .elements(element, count: Int(count)), of: type))
        case .tuple(let components): return .tuple(try list("(", ")", as: .components(components), of: type))
        default:
            if peek == UInt8(ascii: "\"") {
                return try ABIValue(text: quoted(type), as: type, at: path)
            }
            guard type != .string else { throw expected("a string in double quotes", of: type) }
            return try ABIValue(text: bare(), as: type, at: path)
        }
    }

    /// Takes values between two brackets.
    ///
    /// - Parameter sequence: what the values are, of which an array without a fixed length has any number.
    private mutating func list(
        _ open: Unicode.Scalar, _ close: Unicode.Scalar, as sequence: ABISequence, of type: ABIType
    ) throws(ABIError) -> [ABIValue] {
        guard take(open) else { throw expected("\"\(open)\"", of: type) }
        var values: [ABIValue] = []
        if !take(close) {
            repeat {
                guard values.count < sequence.count else {
                    throw expected("at most \(sequence.count) values", of: type)
                }
                path.enter(sequence.step(at: values.count))
                values.append(try value(sequence.type(at: values.count)))
                path.leave()
            } while take(",")
            guard take(close) else { throw expected("a comma or \"\(close)\"", of: type) }
        }
        if case .array = type { return values }
        guard values.count == sequence.count else {
            throw .wrongCount(
                place: "\(path)", type: "\(type)", expected: sequence.count, actual: values.count)
        }
        return values
    }

    /// Takes what precedes the next comma or closing bracket, without white space around it.
    private mutating func bare() -> String {
        _ = peek
        var word = bytes[position...].prefix { !",])".utf8.contains($0) }
        position = word.endIndex
        while let last = word.last, Self.isSpace(last) { word.removeLast() }
        return String(decoding: word, as: UTF8.self)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

    /// Takes a text in double quotes, which JSON's rules for strings hold for.
    private mutating func quoted(_ type: ABIType) throws(ABIError) -> String {
        let start = position
        var isEscaped = false
        position += 1
        while position < bytes.count, isEscaped || bytes[position] != UInt8(ascii: "\"") {
            isEscaped = !isEscaped && bytes[position] == UInt8(ascii: "\\")
            position += 1
        }
        guard position < bytes.count else { throw expected("a closing double quote", of: type) }
        position += 1
        guard let string = try? JSONParser.parse(bytes[start..<position]).string else {
            position = start
            throw expected("a string with JSON's escapes", of: type)
        }
        return string
    }
}
