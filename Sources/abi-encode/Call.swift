import ABI
import ArgumentParser
import CommandLineTool
import Console
import Failures
import JSON
import Primitives
import Transactions

struct Call: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "A request that calls any function of any contract.",
        discussion: """
            Integers are decimal or 0x-hex, or amounts such as 1.5gwei and 0.1ether; _ may group digits. Addresses \
            and bytes are 0x-hex; strings are taken literally. Arrays are [a,b] and tuples (a,b), with strings inside \
            them in double quotes. In JSON, integers may be numbers or strings, and tuples arrays or objects.

            EXAMPLE
              abi-encode call --to 0x… 'isMember(bytes32)(bool)' 0x… | tx-send --call
              abi-encode call --to 0x… --abi Token.json mint --arg to=0x… --arg amount=5
            """)

    @Option(help: ArgumentHelp("The contract.", valueName: "address"), transform: { try Address($0) })
    var to: Address

    @OptionGroup var interface: InterfaceOption
    @OptionGroup var options: RequestOptions

    @Argument(help: "The function: 'name(types)', its source declaration, or with --abi its name.")
    var function: String

    @OptionGroup var arguments: ArgumentOptions

    func run() throws {
        let function = try named()
        let data = try function.encodeCall(arguments.values(of: function.inputs, besides: interface.abi?.path))
        try emit(options.request(function.name, to: to, data: data, mutability: function.mutability))
    }

    private func named() throws -> ABIFunction {
        if let interface = try interface.interface() { return try interface.function(function) }
        guard function.contains("(") else { throw TypesMissing(name: function) }
        return try ABIFunction(function)
    }
}

/// A function's name alone, without an interface to look it up in.
private struct TypesMissing: UserFacingError {
    let name: String
    var kind: ErrorCategory { .badInput }
    var description: String { "the types of the function \(name.quoted()) are not known" }
    var hints: [String] { ["add them to the name, as in name(address,uint256), or use --abi"] }
}

struct Deploy: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deploy",
        abstract: "A request that creates a contract from a compiler's artefact.",
        discussion: """
            Constructor arguments are written as for call.

            EXAMPLE
              abi-encode deploy contracts/TEEBridge.json '[phala-base]' | tx-send
            """)

    @OptionGroup var options: RequestOptions

    @Argument(
        help: ArgumentHelp(
            "A compiler's file with ABI and bytecode; :name picks one of several contracts.",
            valueName: "artefact[:name]"),
        transform: ContractFile.init)
    var artefact: ContractFile

    @OptionGroup var arguments: ArgumentOptions

    func run() throws {
        let (constructor, bytecode) = try artefact.read(awaited: DocumentKind.artefact.name) { contract in
            (try contract.interface().constructor, try contract.bytecode())
        }
        let values = try arguments.values(of: constructor.inputs, besides: artefact.path)
        let data = try constructor.encodeDeployment(of: bytecode, values)
        try emit(options.request("deploy", to: nil, data: data, mutability: constructor.mutability))
    }
}

/// The arguments of a function or a constructor: as words, by name, or in a JSON document.
struct ArgumentOptions: ParsableArguments {
    @Option(
        name: .customLong("arg"),
        help: ArgumentHelp("An argument by name. Repeatable.", valueName: "name=value"),
        transform: NamedArgument.init)
    var named: [NamedArgument] = []

    @Option(
        name: .customLong("args-json"),
        help: ArgumentHelp("All arguments, as a JSON array or an object keyed by name.", valueName: "file"))
    var file: String?

    @Argument(help: "The arguments in order; put -- before them if one begins with -.")
    var arguments: [String] = []

    func validate() throws {
        try ExclusiveOptions.check([
            "arguments as words": !arguments.isEmpty, "--arg": !named.isEmpty, "--args-json": file != nil,
        ])
    }

    /// The arguments as values of the parameters.
    ///
    /// - Parameter document: a file that was named besides, which cannot be standard input too.
    func values(of parameters: [ABIParameter], besides document: String?) throws -> [ABIValue] {
        let names = KMSRoot.addresses
        guard let file else {
            guard named.isEmpty else {
                return try parameters.values(named: named.map { ($0.name, $0.word) }, names: names)
            }
            return try parameters.values(arguments: arguments, names: names)
        }
        guard file != "-" || document != "-" else { throw ConsoleError.inputTwice }
        return try parameters.values(
            json: readDocument(file, awaited: "arguments") { try JSONParser.parse($0) }, names: names)
    }
}

/// An argument as `--arg` has it.
struct NamedArgument {
    let name: String
    let word: String

    /// Reads `NAME=VALUE`.
    ///
    /// - Throws: `ValidationError` if it has no `=`, or no name before it.
    init(_ text: String) throws(ValidationError) {
        guard let sign = text.firstIndex(of: "="), sign != text.startIndex else {
            throw ValidationError("expected NAME=VALUE")
        }
        name = String(text[..<sign])
        word = String(text[sign...].dropFirst())
    }
}
