import ABI
import ArgumentParser
import Console
import JSON
import Primitives
import Program
import Transactions

struct Call: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "A request that calls any function of any contract.",
        discussion: """
            EXAMPLE
              abi-encode call --to 0x… 'allowedKmsRoots(address)(bool)' 0x… | tx-send --call
            """)

    @Option(help: ArgumentHelp("The contract.", valueName: "address"), transform: { try Address($0) })
    var to: Address

    @Option(
        help: ArgumentHelp("What is sent along: wei, or with a unit, as 0.1ether.", valueName: "amount"),
        transform: Quantity.init(amount:))
    var value: Quantity = .zero

    @Argument(help: "The function: 'name(types)', or as its source declares it.", transform: { try ABIFunction($0) })
    var function: ABIFunction

    @Argument(help: "The arguments; write -- in front if one begins with -.")
    var arguments: [String] = []

    func run() throws {
        let data = try function.encodeCall(function.inputs.values(arguments: arguments))
        try emit(TransactionRequest(label: function.name, to: to, data: data, value: value))
    }
}
