import ABI
import ArgumentParser
import CommandLineTool
import Console
import Failures
import JSON
import Primitives
import Transactions

/// What a request has besides the contract and the data.
struct RequestOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Ether to send with the call: wei, or with a unit, such as 0.1ether.", valueName: "amount"),
        transform: UInt256.init(amount:))
    var value: UInt256 = 0

    @Option(help: ArgumentHelp("A human-readable name for the request.", valueName: "text"))
    var label: String?

    @Option(help: ArgumentHelp("The request's id in tx-send's journal.", valueName: "text"))
    var id: String?

    /// A request with these options.
    ///
    /// - Parameters:
    ///   - name: its label, if the options give none.
    ///   - mutability: what the interface says of the code that is called, which decides whether it takes ether.
    /// - Throws: ``NotPayable`` if the code takes no ether, and the options give some.
    func request(
        _ name: String, to: Address?, data: [UInt8], mutability: StateMutability?
    ) throws(NotPayable) -> TransactionRequest {
        guard value == 0 || mutability == nil || mutability == .payable else { throw NotPayable(name: name) }
        var request = TransactionRequest(label: label ?? name, to: to, data: data, value: value)
        request.id = id
        return request
    }
}

/// Ether for code that would revert because of it.
struct NotPayable: UserFacingError {
    let name: String
    var kind: ErrorCategory { .badInput }
    var description: String { "\(name.quoted()) is not payable, so it takes no --value" }
    var hints: [String] { ["omit --value, or check the function"] }
}
