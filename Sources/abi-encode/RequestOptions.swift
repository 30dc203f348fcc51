import ABI
import ArgumentParser
import Failures
import Primitives
import Transactions

/// What a request has besides the contract and the data.
struct RequestOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("What is sent along: wei, or with a unit, as 0.1ether.", valueName: "amount"),
        transform: Quantity.init(amount:))
    var value: Quantity = .zero

    @Option(help: ArgumentHelp("What the request is called, for people.", valueName: "text"))
    var label: String?

    @Option(help: ArgumentHelp("The request's name in tx-send's journal.", valueName: "text"))
    var id: String?

    /// A request with these options.
    ///
    /// - Parameters:
    ///   - name: its label, if the options give none.
    ///   - mutability: what the interface says of the code that is called, which decides whether it takes ether.
    func request(
        _ name: String, to: Address?, data: [UInt8], mutability: StateMutability?
    ) throws(NotPayable) -> TransactionRequest {
        guard value == .zero || mutability == nil || mutability == .payable else { throw NotPayable(name: name) }
        var request = TransactionRequest(label: label ?? name, to: to, data: data, value: value)
        request.id = id
        return request
    }
}

/// Ether for code that would revert because of it.
struct NotPayable: Failure {
    let name: String
    var kind: FailureKind { .badInput }
    var description: String { "\(name.quoted()) is not payable, so nothing can be sent along" }
    var hints: [String] { ["leave --value out, or is it another function?"] }
}
