import ABI
import ArgumentParser
import Console
import JSON
import Program
import Transactions

struct Deploy: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "A request that creates a contract from a compiler's artefact.",
        discussion: """
            EXAMPLE
              abi-encode deploy contracts/TEEBridge.json '[0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51]' | tx-send
            """)

    @Argument(help: "A JSON file with \"abi\" and \"bytecode\".")
    var artefact: String

    @Argument(help: "The constructor's arguments; write -- in front if one begins with -.")
    var arguments: [String] = []

    private static let artefactLimit = 16 << 20

    func run() throws {
        let input = try Input(path: artefact, awaited: "an artefact", voice: ABIEncode.voice)
        let json = try JSONParser.parse(input.readAll(limit: Self.artefactLimit))
        let constructor = try ContractABI(json: json).constructor
        let values = try constructor.inputs.values(arguments: arguments)
        let data = try constructor.encodeDeployment(of: ContractABI.bytecode(ofArtefact: json), values)
        try emit(TransactionRequest(label: "deploy", to: nil, data: data))
    }
}
