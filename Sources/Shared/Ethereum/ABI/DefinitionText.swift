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
    /// Takes the words behind a list of parameters that say who may call, and what the call may do to the state.
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
