import ABI
import ArgumentParser
import CommandLineTool
import Console
import JSON
import Transactions

struct Deploy: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deploy",
        abstract: "A request that creates a contract from a compiler's artefact.",
        discussion: """
            The constructor's arguments are written as those of call.

            EXAMPLE
              abi-encode deploy contracts/TEEBridge.json '[0x…]' | tx-send
            """)

    @OptionGroup var options: RequestOptions

    @Argument(help: "A JSON file with \"abi\" and \"bytecode\".")
    var artefact: String

    @OptionGroup var arguments: ArgumentOptions

    func run() throws {
        let (constructor, bytecode) = try readDocument(artefact, awaited: "an artefact") { json in
            (try ContractABI(json: json).constructor, try ContractABI.bytecode(ofArtefact: json))
        }
        let values = try arguments.values(of: constructor.inputs, besides: artefact)
        let data = try constructor.encodeDeployment(of: bytecode, values)
        try emit(options.request("deploy", to: nil, data: data, mutability: constructor.mutability))
    }
}
