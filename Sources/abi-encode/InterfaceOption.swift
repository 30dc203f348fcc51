import ABI
import ArgumentParser

/// `--abi`: a contract's interface.
struct InterfaceOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The contract's interface: an artefact of a compiler, or its ABI alone, as JSON.", valueName: "file"))
    var abi: String?

    /// The interface, if a file with one is named.
    func interface() throws -> ContractABI? {
        guard let abi else { return nil }
        let json = try readDocument(abi, awaited: "an interface")
        do { return try ContractABI(json: json) } catch { throw DocumentError(path: abi, failure: error) }
    }
}
