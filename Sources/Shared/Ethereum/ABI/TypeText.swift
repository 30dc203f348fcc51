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

    /// The type that a JSON interface has under `type`, where a tuple's components stand apart.
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
    /// Whether `indexed` stood behind the type.
    let isIndexed: Bool
}

extension SignatureScanner {
    /// Takes a type.
    ///
    /// - Parameter nesting: how many tuples the type stands in.
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
    mutating func parameters(nesting: Int = 0) throws(ABIError) -> [ABIParameter] {
        try list { scanner throws(ABIError) in try scanner.parameter(nesting: nesting).parameter }
    }

    /// Takes a list of an event's parameters in parentheses, where `indexed` may stand between type and name.
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
