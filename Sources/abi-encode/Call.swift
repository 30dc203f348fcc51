import ABI
import ArgumentParser
import CommandLineTool
import Console
import Failures
import JSON
import Primitives
import TEEBridge
import Transactions

struct Call: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "A request that calls any function of any contract.",
        discussion: """
            A function of TEEBridge, of any version, needs no types. Without --to, the contract is the bridge.

            Integers are decimal or 0x-hex, or amounts such as 1.5gwei and 0.1ether; _ may group digits. Addresses \
            and bytes are 0x-hex; strings are taken literally. Arrays are [a,b] and tuples (a,b), with strings inside \
            them in double quotes. In JSON, integers may be numbers or strings, and tuples arrays or objects.

            EXAMPLE
              abi-encode call isMember 0x… | tx-send --call
              abi-encode call --to 0x… 'balanceOf(address)(uint256)' 0x… | tx-send --call
              abi-encode call --to 0x… --abi Token.json mint --arg to=0x… --arg amount=5
            """)

    @Option(
        help: ArgumentHelp("The contract; by default, the bridge.", valueName: "address"),
        transform: { try Address($0) })
    var to: Address?

    @OptionGroup var bridge: BridgeOption
    @OptionGroup var interface: InterfaceOption
    @OptionGroup var options: RequestOptions

    @Argument(
        help: "The function: 'name(types)', its source declaration, or a name in TEEBridge's interface or --abi.",
        completion: .names { $0.functions.map(\.name) })
    var function: String

    @OptionGroup var arguments: ArgumentOptions

    func validate() throws {
        guard to == nil || bridge.bridge == nil else {
            throw ValidationError("--to and --bridge both name the contract: use one of them")
        }
    }

    func run() throws {
        let function = try named()
        guard let contract = try to ?? bridge.namedAddress() else {
            throw SettingError.missing(
                what: "the contract (--to)", option: "--to or --bridge", environment: "BRIDGE_CONTRACT")
        }
        let values = try arguments.values(of: function.inputs, besides: interface.abi?.path)
        if function.selector == TEEBridge.onboard.selector, case .bytes(let payload)? = values.last {
            try PayloadLimit(of: contract).check(payload.count)
        }
        let data = try function.encodeCall(values)
        try emit(options.request(function.name, to: contract, data: data, mutability: function.mutability))
    }

    private func named() throws -> ABIFunction {
        if let interface = try interface.interface() { return try interface.function(function) }
        guard function.contains("(") else {
            guard let known = TEEBridge.interface.functions.first(where: { $0.name == function }) else {
                throw TypesMissing(name: function)
            }
            guard to != nil || !TEEBridge.appFunctions.contains(known) else { throw NotOfTheBridge(function: known) }
            return known
        }
        let described = try ABIFunction(function)
        if to == nil { warnOfSlip(in: described) }
        return described
    }

    /// Says that the bridge has no such function, where it has one that is nearly the same.
    private func warnOfSlip(in function: ABIFunction) {
        let known = TEEBridge.interface.functions
        guard !known.contains(where: { $0.selector == function.selector }) else { return }
        let near = function.name.near(among: known.map(\.name))
        let signatures = known.filter { near.contains($0.name) }.map(\.signature)
        guard !signatures.isEmpty else { return }
        ABIEncode.diagnostics.warning("TEEBridge has no function \(function.signature.quoted())")
        ABIEncode.diagnostics.hint(didYouMean(signatures))
    }
}

/// A hint at names, in their order and each once.
private func didYouMean(_ names: [String]) -> String {
    var shown: [String] = []
    for name in names where !shown.contains(name) { shown.append(name) }
    return "did you mean \(shown.map { $0.quoted() }.joined(separator: " or "))?"
}

/// A function's name alone, which is in no interface.
private struct TypesMissing: UserFacingError {
    let name: String
    var kind: ErrorCategory { .badInput }
    var description: String { "the types of the function \(name.quoted()) are not known" }
    var hints: [String] {
        let names = TEEBridge.interface.functions.map(\.name)
        let near = name.near(among: names)
        return [
            near.isEmpty ? "known without types: \(Set(names).sorted().joined(separator: ", "))" : didYouMean(near),
            "of other functions, add the types to the name, as in name(address,uint256), or use --abi",
        ]
    }
}

/// A function of dstack's app contract, which is not the bridge.
private struct NotOfTheBridge: UserFacingError {
    let function: ABIFunction
    var kind: ErrorCategory { .badInput }
    var description: String { "\(function.name.quoted()) is a function of dstack's app contract, not of the bridge" }
    var hints: [String] { ["name the app contract with --to"] }
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
