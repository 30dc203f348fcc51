import ABI
import ArgumentParser
import CommandLineTool
import Console
import Failures
import Glibc

/// A file of one contract or several, and which of them is meant: `FILE` or `FILE:NAME`.
struct ContractFile {
    /// The file; `-` is standard input.
    let path: String
    /// The contract's name; nil for the only one.
    let name: String?

    /// Takes the longest beginning that is a file: its name may have colons, and so may the contract's.
    init(_ text: String) {
        let ends = [text.endIndex] + text.indices.reversed().filter { text[$0] == ":" }
        let end = ends.first { Self.isFile(String(text[..<$0])) }
        path = String(text[..<(end ?? text.endIndex)])
        name = end.flatMap { $0 == text.endIndex ? nil : String(text[$0...].dropFirst()) }
    }

    private static func isFile(_ path: String) -> Bool {
        guard path != "-" else { return true }
        return unsafe access(path, F_OK) == 0
    }

    /// What `make` makes of the contract.
    ///
    /// - Parameter awaited: what the file should hold, for hints: "an artefact".
    /// - Throws: ``DocumentError``, among others.
    func read<Result>(awaited: String, as make: (ContractArtefact) throws -> Result) throws -> Result {
        try readDocument(path, awaited: awaited) { bytes in
            try make(ContractArtefact.list(in: bytes).contract(named: name))
        }
    }
}

/// `--abi`: a contract's interface.
struct InterfaceOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The contract's interface, from a compiler, framework or explorer; :name picks one of several contracts.",
            valueName: "file[:name]"),
        transform: ContractFile.init)
    var abi: ContractFile?

    /// The interface, if a file with one is named.
    func interface() throws -> ContractABI? {
        try abi?.read(awaited: DocumentKind.interface.name) { try $0.interface() }
    }
}
