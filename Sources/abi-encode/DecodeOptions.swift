import ABI
import ArgumentParser
import TEEBridge

/// What is to be decoded, and by which definition.
struct DecodeArguments: ParsableArguments {
    @Argument(help: "The definition, or its name; a word alone is the input unless it has a parenthesis.")
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

/// What the kinds of decoding have in common.
struct DecodeOptions: ParsableArguments {
    @OptionGroup var file: InterfaceOption

    @Flag(help: "Take offsets anywhere in the data, and bytes behind the last value: contracts do.")
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
