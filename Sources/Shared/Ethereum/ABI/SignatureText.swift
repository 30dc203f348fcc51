extension ABIFunction {
    /// A function from its signature: short, as `transfer(address,uint256)`, with what it returns as
    /// `balanceOf(address)(uint256)` or `balanceOf(address) returns (uint256)`, or as a contract's source has it,
    /// `function balanceOf(address owner) external view returns (uint256)`.
    ///
    /// - Throws: ``ABIError``.
    package init(_ text: String) throws(ABIError) {
        var scanner = SignatureScanner(text)
        let isDeclaration = scanner.take(keyword: "function")
        let name = try scanner.requireIdentifier("the function's name")
        let inputs = try scanner.parameters()
        let mutability = scanner.modifiers()
        var outputs: [ABIParameter]?
        if scanner.take(word: "returns") || scanner.peek == UInt8(ascii: "(") {
            outputs = try scanner.parameters()
        } else if isDeclaration {
            outputs = []
        }
        try scanner.requireDefinitionEnd()
        self.init(name: name, inputs: inputs, outputs: outputs, mutability: mutability)
    }
}

extension ABIRevert {
    /// An error from its signature: `NotOwner()` or `error TooMany(uint256 count)`.
    ///
    /// - Throws: ``ABIError``.
    package init(_ text: String) throws(ABIError) {
        var scanner = SignatureScanner(text)
        _ = scanner.take(keyword: "error")
        let name = try scanner.requireIdentifier("the error's name")
        let inputs = try scanner.parameters()
        try scanner.requireDefinitionEnd()
        self.init(name: name, inputs: inputs)
    }
}

extension ABIEvent {
    /// An event from its signature: `Posted(bytes32 indexed, bytes)` or
    /// `event Posted(bytes32 indexed to, bytes payload) anonymous`.
    ///
    /// - Throws: ``ABIError``.
    package init(_ text: String) throws(ABIError) {
        var scanner = SignatureScanner(text)
        _ = scanner.take(keyword: "event")
        let name = try scanner.requireIdentifier("the event's name")
        let inputs = try scanner.eventParameters().map { Parameter($0.parameter, isIndexed: $0.isIndexed) }
        let isAnonymous = scanner.take(word: "anonymous")
        try scanner.requireDefinitionEnd()
        self.init(name: name, inputs: inputs, isAnonymous: isAnonymous)
    }
}

extension ABIConstructor {
    /// A constructor from its signature: `constructor(address[] roots) payable` or `(address[])`.
    ///
    /// - Throws: ``ABIError``.
    package init(_ text: String) throws(ABIError) {
        var scanner = SignatureScanner(text)
        _ = scanner.take(word: "constructor")
        let inputs = try scanner.parameters()
        let mutability = scanner.modifiers()
        try scanner.requireDefinitionEnd()
        self.init(inputs: inputs, mutability: mutability)
    }
}

extension SignatureScanner {
    /// Takes the words after a list of parameters: visibility and state mutability.
    fileprivate mutating func modifiers() -> StateMutability? {
        var mutability: StateMutability?
        while true {
            if let word = ["pure", "view", "nonpayable", "payable"].first(where: { take(word: $0) }) {
                mutability = StateMutability(rawValue: word)
            } else if !["external", "public", "virtual", "override"].contains(where: { take(word: $0) }) {
                return mutability
            }
        }
    }

    fileprivate mutating func requireDefinitionEnd() throws(ABIError) {
        _ = take(";")
        try requireEnd()
    }
}

/// Reads the text of types and signatures, token by token; white space between tokens is allowed.
struct SignatureScanner {
    private let text: String
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        self.text = text
        bytes = Array(text.utf8)
    }

    /// The next byte that is no white space, or nil at the end.
    var peek: UInt8? {
        mutating get {
            while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
            return position < bytes.count ? bytes[position] : nil
        }
    }

    /// The position of the next byte that is not white space.
    var offset: Int {
        mutating get {
            _ = peek
            return position
        }
    }

    /// Takes the character if it is next.
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Takes the character, which must be next.
    ///
    /// - Throws: ``ABIError`` if it is not.
    mutating func require(_ character: Unicode.Scalar) throws(ABIError) {
        guard take(character) else { throw expected("\"\(character)\"") }
    }

    /// Takes a name: letters, digits, `_` and `$`, no digit in front.
    mutating func identifier() -> String? {
        guard let first = peek, Self.isLetter(first) else { return nil }
        return run { Self.isLetter($0) || Self.isDigit($0) }
    }

    /// Takes a name that must be next.
    ///
    /// - Parameter what: what should stand here, for the error.
    /// - Throws: ``ABIError`` if there is none.
    mutating func requireIdentifier(_ what: String) throws(ABIError) -> String {
        guard let name = identifier() else { throw expected(what) }
        return name
    }

    /// Takes the decimal digits that are next; none if there are none.
    mutating func digits() -> String {
        _ = peek
        return run(while: Self.isDigit)
    }

    /// Takes the word if it is next as a whole.
    mutating func take(word: String) -> Bool {
        let start = position
        if identifier() == word { return true }
        position = start
        return false
    }

    /// Takes the word that says what kind of thing a signature is, if it is next and no parenthesis makes it the
    /// thing's own name.
    mutating func take(keyword: String) -> Bool {
        let start = position
        if identifier() == keyword, peek != UInt8(ascii: "(") { return true }
        position = start
        return false
    }

    /// Everything must have been taken.
    ///
    /// - Throws: ``ABIError`` if something is left.
    mutating func requireEnd() throws(ABIError) {
        guard peek == nil else { throw expected("the end") }
    }

    /// The error for what is next, or was at `offset`, not being `what`.
    mutating func expected(_ what: String, at offset: Int? = nil) -> ABIError {
        .syntax(text: text, offset: offset ?? self.offset, expected: what)
    }

    private mutating func run(while belongs: (UInt8) -> Bool) -> String {
        let token = bytes[position...].prefix(while: belongs)
        position = token.endIndex
        return String(decoding: token, as: UTF8.self)
    }

    /// Whether a byte is a decimal digit.
    static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }

    /// Whether a name may begin with a byte.
    static func isLetter(_ byte: UInt8) -> Bool {
        0x41...0x5A ~= byte || 0x61...0x7A ~= byte || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$")
    }
}
