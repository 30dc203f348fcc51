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
            Integers are decimal or 0x-hex, or amounts as 1.5gwei and 0.1ether; _ may group digits. Addresses and \
            bytes are 0x-hex, and a string is the word as it is. Arrays are [a,b] and tuples (a,b); inside them \
            strings stand in double quotes. In JSON, integers may be numbers or strings, and tuples arrays or \
            objects.

            EXAMPLE
              abi-encode call --to 0x… 'isMember(bytes32)(bool)' 0x… | tx-send --call
              abi-encode call --to 0x… --abi Token.json mint --arg to=0x… --arg amount=5
            """)

    @Option(help: ArgumentHelp("The contract.", valueName: "address"), transform: { try Address($0) })
    var to: Address

    @OptionGroup var interface: InterfaceOption
    @OptionGroup var options: RequestOptions

    @Argument(help: "The function: 'name(types)', as its source declares it, or with --abi its name.")
    var function: String

    @OptionGroup var arguments: ArgumentOptions

    func run() throws {
        let function = try named()
        let data = try function.encodeCall(arguments.values(of: function.inputs, besides: interface.abi))
        try emit(options.request(function.name, to: to, data: data, mutability: function.mutability))
    }

    private func named() throws -> ABIFunction {
        if let interface = try interface.interface() { return try interface.function(function) }
        guard function.contains("(") else { throw TypesMissing(name: function) }
        return try ABIFunction(function)
    }
}

/// A function's name alone, without an interface to look it up in.
private struct TypesMissing: Failure {
    let name: String
    var kind: FailureKind { .badInput }
    var description: String { "the types of the function \(name.quoted()) are not known" }
    var hints: [String] { ["write them behind the name, as in name(address,uint256), or use --abi"] }
}
