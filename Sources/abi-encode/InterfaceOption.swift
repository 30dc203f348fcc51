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
        try abi.map { file in try readDocument(file, awaited: "an interface", as: ContractABI.init(json:)) }
    }
}
