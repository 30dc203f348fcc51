import ABI
import ArgumentParser
import JSON
import Primitives
import TEEBridge

struct Decode: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Decode calldata, results, errors and logs.",
        discussion: """
            Prints one object per line. Unsigned integers are 0x-hex, signed ones decimal strings; values form an \
            object if each has its own name, and otherwise an array. Input that does not decode is reported and gives \
            exit status 1.

            SIGNATURE is a definition, written as 'name(types)' or as in the contract's source, or a name in \
            TEEBridge's interface. With --abi, it is a name or 'name(types)' in that interface. Without SIGNATURE, \
            the interface is searched by selector or topic. INPUT is 0x-hex, or a file of hex lines or JSON \
            documents; standard input if absent or -.

            EXAMPLE
              abi-encode decode calldata 'transfer(address to, uint256 amount)' 0x…
              tx-send --call request.json | abi-encode decode result isMember
            """,
        subcommands: [DecodeCalldata.self, DecodeResult.self, DecodeError.self, DecodeLog.self])

    func run() throws { throw ValidationError("a command is needed") }
}

struct DecodeCalldata: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calldata", abstract: "Decode a call into its function and arguments.",
        discussion: """
            In a JSON document, a request or a node's transaction, the calldata is the member data or input. A node's \
            answer may hold a transaction, or a block with whole ones; their blocks and hashes are kept.

            EXAMPLE
              abi-encode add-kms-root phala-base | abi-encode decode calldata
            """)
    @OptionGroup var options: DecodeOptions
    @OptionGroup var arguments: DecodeArguments

    func run() throws {
        let interface = try options.interface(
            of: arguments.definition, ABIDefinition.function, parse: ABIFunction.init,
            find: ContractABI.functions(named:))
        let encodings = try options.encodings(of: .calldata, in: arguments.source, hex: { $0 }) {
            object throws(JSONError) in
            try object.transactions().map { json throws(JSONError) in
                let member = json["data"]?.isNull != false && json["input"] != nil ? "input" : "data"
                return (try json.hex(member), try ChainPlace(ofTransaction: json))
            }
        }
        try options.decode(encodings) { data throws(ABIError) in
            let (function, arguments) = try interface.decodeCall(data, layout: options.layout)
            return .members([
                "name": .string(function.name), "signature": .string(function.signature),
                "args": function.inputs.json(arguments),
            ])
        }
    }
}

struct DecodeResult: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "result", abstract: "Decode the values a function returned.",
        discussion: """
            In a JSON document, a record of tx-send --call or a node's response, the result is the member result.

            EXAMPLE
              tx-send --call request.json | abi-encode decode result isMember
            """)
    @OptionGroup var options: DecodeOptions

    @Argument(
        help: "The function with its return types, or its name.",
        completion: .names { $0.functions.filter { $0.outputs?.isEmpty == false }.map(\.name) })
    var signature: String

    @Argument(help: "What to decode: 0x-hex, or a file; standard input if absent or -.")
    var input: String?

    func run() throws {
        let interface = try options.interface(
            of: signature, ABIDefinition.function, parse: ABIFunction.init, find: ContractABI.functions(named:))
        let signatures = interface.functions.map(\.signature)
        guard Set(signatures).count == 1 else { throw ABIError.ambiguousName(name: signature, signatures: signatures) }
        if let function = interface.functions.first(where: { $0.outputs == nil }) {
            throw ABIError.unknownResult(signature: function.signature)
        }
        let encodings = try options.encodings(of: .result, in: input, hex: { $0 }) { object throws(JSONError) in
            [(try object.hex("result"), ChainPlace())]
        }
        try options.decode(encodings) { data throws(ABIError) in
            let (function, values) = try interface.decodeResult(data, layout: options.layout)
            return .members([
                "name": .string(function.name), "signature": .string(function.signature),
                "returns": function.outputs?.json(values),
            ])
        }
    }
}

struct DecodeError: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "error", abstract: "Decode the error a call reverted with.",
        discussion: """
            In a JSON document, a record of tx-send or a node's answer or error, the revert data is the member data, \
            or data within the member revert. Error(string) and Panic(uint256) are part of every interface.

            EXAMPLE
              tx-send --dry-run request.json | abi-encode decode error
            """)
    @OptionGroup var options: DecodeOptions
    @OptionGroup var arguments: DecodeArguments

    func run() throws {
        let interface = try options.interface(
            of: arguments.definition, ABIDefinition.revert, parse: ABIRevert.init, find: ContractABI.reverts(named:),
            adding: [.message, .panic])
        let encodings = try options.encodings(of: .error, in: arguments.source, hex: { $0 }) {
            object throws(JSONError) in
            let holder = object["revert"] == nil ? object : try object.object("revert")
            // Some nodes put it one level below.
            let data = try (holder["data"]?.object ?? holder).hex("data")
            return [(data, try ChainPlace(ofReceipt: object))]
        }
        try options.decode(encodings) { data throws(ABIError) in
            let (error, values) = try interface.decodeError(data, layout: options.layout)
            var meaning: String?
            if error == .panic, case .uint(let code)? = values.first { meaning = RevertData.panicMeaning(code) }
            return .members([
                "name": .string(error.name), "signature": .string(error.signature), "args": error.inputs.json(values),
                "meaning": meaning.map(JSONValue.string),
            ])
        }
    }
}

/// What is to be decoded, and by which definition.
struct DecodeArguments: ParsableArguments {
    @Argument(
        help: "The definition or its name; a single argument without a parenthesis is the input.",
        completion: .names { $0.functions.map(\.name) + $0.events.map(\.name) + $0.reverts.map(\.name) })
    var signature: String?

    @Argument(help: "What to decode: 0x-hex, or a file; standard input if absent or -.")
    var input: String?

    /// The definition, or its name.
    var definition: String? {
        guard let signature, input != nil || signature.contains("(") else { return nil }
        return signature
    }

    /// The input, if it was named.
    var source: String? { definition == nil ? signature : input }
}

extension JSONObject {
    /// The transactions of a block, or the object itself.
    fileprivate func transactions() throws(JSONError) -> [JSONObject] {
        guard self["transactions"] != nil else { return [self] }
        return try array("transactions").map { transaction throws(JSONError) in
            guard let transaction = transaction.object else {
                throw illTyped("transactions", expected: "an array of whole transactions")
            }
            return transaction
        }
    }
}

/// What the kinds of decoding have in common.
struct DecodeOptions: ParsableArguments {
    @OptionGroup var file: InterfaceOption

    @Flag(help: "Accept offsets to anywhere in the data and bytes after the last value, as contracts do.")
    var lenient = false

    /// The layout that is accepted.
    var layout: ABILayout { lenient ? .lenient : .strict }

    /// The definitions to decode by: the one that the command line has, or those of the interface.
    ///
    /// - Parameters:
    ///   - definition: what the command line has: a definition, or a name in the interface.
    ///   - wrap: makes a definition of an item.
    ///   - parse: reads an item's definition.
    ///   - find: the items of a name or signature in an interface.
    ///   - errors: the errors that every interface has.
    func interface<Item>(
        of definition: String?, _ wrap: (Item) -> ABIDefinition, parse: (String) throws(ABIError) -> Item,
        find: (ContractABI) -> (String) throws(ABIError) -> [Item], adding errors: [ABIRevert] = []
    ) throws -> ContractABI {
        let named = try file.interface()
        if named == nil, let definition, definition.contains("(") { return ContractABI([wrap(try parse(definition))]) }
        let interface = (named ?? TEEBridge.interface).adding(errors)
        guard let definition else { return interface }
        return ContractABI(try find(interface)(definition).map(wrap))
    }
}

extension CompletionKind {
    /// Names of the bridge's interface.
    static func names(_ names: @escaping @Sendable (ContractABI) -> [String]) -> CompletionKind {
        .custom { _, _, _ in Set(names(TEEBridge.interface)).sorted() }
    }
}
