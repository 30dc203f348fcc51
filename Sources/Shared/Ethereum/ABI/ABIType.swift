/// How wide a value is that fills part of a word: a whole number of bytes, 1 to 32.
package struct WordWidth: Hashable, Sendable {
    /// The number of bytes.
    package let bytes: Int
    /// The number of bits.
    package var bits: Int { bytes * 8 }

    /// - Returns: nil unless there are 1 to 32 bytes.
    package init?(bytes: Int) {
        guard 1...32 ~= bytes else { return nil }
        self.bytes = bytes
    }

    private init(checked bytes: Int) { self.bytes = bytes }

    /// All 32 bytes of a word.
    package static let word = WordWidth(checked: 32)
    /// The 24 bytes of an external function: its contract's address, then its selector.
    package static let externalFunction = WordWidth(checked: 24)
}

/// A type of the contract ABI, as Solidity and Vyper have it.
package indirect enum ABIType: Hashable, Sendable, CustomStringConvertible {
    /// uint8 to uint256.
    case uint(WordWidth)
    /// int8 to int256, in two's complement.
    case int(WordWidth)
    /// 20 bytes; `address payable` is the same.
    case address
    /// 0 or 1.
    case bool
    /// bytes1 to bytes32.
    case fixedBytes(WordWidth)
    /// A reference to a contract's function, encoded as bytes24.
    case function
    /// Bytes of any number.
    case bytes
    /// UTF-8 of any length.
    case string
    /// `T[]`.
    case array(ABIType)
    /// `T[k]`.
    case fixedArray(ABIType, count: UInt32)
    /// `(T1,T2,…)`; the components may have names.
    case tuple([ABIParameter])

    /// How deeply arrays and tuples may be nested in a type that is read from text.
    package static let depthLimit = 16

    /// The canonical text, as signatures have it: no aliases, no names, no spaces.
    package var description: String {
        switch self {
        case .uint(let width): "uint\(width.bits)"
        case .int(let width): "int\(width.bits)"
        case .address: "address"
        case .bool: "bool"
        case .fixedBytes(let width): "bytes\(width.bytes)"
        case .function: "function"
        case .bytes: "bytes"
        case .string: "string"
        case .array(let element): "\(element)[]"
        case .fixedArray(let element, let count): "\(element)[\(count)]"
        case .tuple(let components): components.canonicalTypes
        }
    }

    /// How deeply arrays and tuples are nested: 0 for `uint256`, 2 for `(bytes)[]`.
    package var depth: Int {
        switch self {
        case .array(let element), .fixedArray(let element, _): 1 + element.depth
        case .tuple(let components): 1 + (components.map(\.type.depth).max() ?? 0)
        case .uint, .int, .address, .bool, .fixedBytes, .function, .bytes, .string: 0
        }
    }
}

/// A type and the name it has in a function's, an event's, an error's or a tuple's list.
package struct ABIParameter: Hashable, Sendable {
    /// The name, or nil if it has none.
    package let name: String?
    /// What it is.
    package let type: ABIType

    package init(_ type: ABIType, name: String? = nil) {
        self.name = name
        self.type = type
    }
}

extension [ABIParameter] {
    /// The types in canonical text, in parentheses, as they follow the name in a signature.
    package var canonicalTypes: String { "(\(map(\.type.description).joined(separator: ",")))" }

    /// The names, if every parameter has one and no two are the same; only then can an object represent the list.
    package var distinctNames: [String]? {
        let names = compactMap(\.name)
        return names.count == count && Set(names).count == count ? names : nil
    }
}

extension ABIType {
    /// The type that the text is: `uint256`, `address payable`, `(bytes32 id, uint amount)[]`, `tuple(bool)[2]`.
    ///
    /// - Throws: ``ABIError/syntax(text:offset:expected:)``, ``ABIError/unknownType(_:)``,
    ///   ``ABIError/fixedPointType(_:)`` or ``ABIError/typeTooDeep(limit:)``.
    package init(_ text: String) throws(ABIError) {
        var scanner = SignatureScanner(text)
        self = try scanner.type()
        try scanner.requireEnd()
    }

    /// The type that a JSON interface has under `type`, where a tuple's components are listed separately.
    ///
    /// - Throws: ``ABIError`` if it is not a tuple, or an array of tuples.
    init(_ text: String, components: [ABIParameter]) throws(ABIError) {
        var scanner = SignatureScanner(text)
        guard scanner.take(word: "tuple") else { throw scanner.expected("tuple") }
        self = try scanner.suffixes(of: .tuple(components))
        try scanner.requireEnd()
    }

    /// The type of this name, aliases among them, or nil if there is none.
    fileprivate init?(name: String) {
        switch name {
        case "address": self = .address
        case "bool": self = .bool
        case "bytes": self = .bytes
        case "string": self = .string
        case "function": self = .function
        case "uint": self = .uint(.word)
        case "int": self = .int(.word)
        default:
            let base = name.prefix { !$0.isNumber }
            let digits = name.dropFirst(base.count)
            guard digits.first != "0", digits.count <= 3, let size = Int(digits) else { return nil }
            switch base {
            case "uint", "int":
                guard size.isMultiple(of: 8), let width = WordWidth(bytes: size / 8) else { return nil }
                self = base == "uint" ? .uint(width) : .int(width)
            case "bytes":
                guard let width = WordWidth(bytes: size) else { return nil }
                self = .fixedBytes(width)
            default: return nil
            }
        }
    }
}

/// One entry of a list of parameters.
struct ScannedParameter {
    let parameter: ABIParameter
    /// Whether `indexed` followed the type.
    let isIndexed: Bool
}

extension SignatureScanner {
    /// Takes a type.
    ///
    /// - Parameter nesting: how many tuples enclose the type.
    /// - Throws: ``ABIError`` if there is none, or it is too large or nested too deeply.
    mutating func type(nesting: Int = 0) throws(ABIError) -> ABIType {
        if peek == UInt8(ascii: "(") { return try tuple(nesting: nesting) }
        let name = try requireIdentifier("a type")
        if name == "tuple" {
            guard peek == UInt8(ascii: "(") else { throw expected("the components of the tuple") }
            return try tuple(nesting: nesting)
        }
        if name.hasPrefix("fixed") || name.hasPrefix("ufixed") { throw .fixedPointType(name) }
        guard let type = ABIType(name: name) else { throw .unknownType(name) }
        if type == .address { _ = take(word: "payable") }
        return try suffixes(of: type)
    }

    private mutating func tuple(nesting: Int) throws(ABIError) -> ABIType {
        guard nesting < ABIType.depthLimit else { throw .typeTooDeep(limit: ABIType.depthLimit) }
        return try suffixes(of: .tuple(parameters(nesting: nesting + 1)))
    }

    /// Takes what makes arrays of a type: `[]` and `[k]`, any number of them.
    ///
    /// - Throws: ``ABIError`` for a length that is not a number, or a type that becomes too large.
    mutating func suffixes(of type: ABIType) throws(ABIError) -> ABIType {
        var type = type
        var depth = type.depth
        guard depth <= ABIType.depthLimit else { throw .typeTooDeep(limit: ABIType.depthLimit) }
        while take("[") {
            depth += 1
            guard depth <= ABIType.depthLimit else { throw .typeTooDeep(limit: ABIType.depthLimit) }
            let start = offset
            let digits = digits()
            if digits.isEmpty {
                type = .array(type)
            } else {
                guard let count = UInt32(digits), digits == "0" || digits.first != "0" else {
                    throw expected("a number of elements up to \(UInt32.max)", at: start)
                }
                type = .fixedArray(type, count: count)
            }
            try require("]")
        }
        return type
    }

    /// Takes a list of types in parentheses, each with a name or without.
    ///
    /// - Throws: ``ABIError`` if there is none.
    mutating func parameters(nesting: Int = 0) throws(ABIError) -> [ABIParameter] {
        try list { scanner throws(ABIError) in try scanner.parameter(nesting: nesting).parameter }
    }

    /// Takes a list of an event's parameters in parentheses, where `indexed` may come between type and name.
    ///
    /// - Throws: ``ABIError`` if there is none.
    mutating func eventParameters() throws(ABIError) -> [ScannedParameter] {
        try list { scanner throws(ABIError) in try scanner.parameter(nesting: 0, allowsIndexed: true) }
    }

    private mutating func list<Element>(
        of element: (inout SignatureScanner) throws(ABIError) -> Element
    ) throws(ABIError) -> [Element] {
        try require("(")
        if take(")") { return [] }
        var elements: [Element] = []
        repeat { elements.append(try element(&self)) } while take(",")
        guard take(")") else { throw expected("a comma or \")\"") }
        return elements
    }

    private mutating func parameter(
        nesting: Int, allowsIndexed: Bool = false
    ) throws(ABIError) -> ScannedParameter {
        let type = try type(nesting: nesting)
        let isIndexed = allowsIndexed && take(keyword: "indexed")
        _ = take(word: "memory") || take(word: "calldata") || take(word: "storage")
        return ScannedParameter(parameter: ABIParameter(type, name: identifier()), isIndexed: isIndexed)
    }
}
