import BigInt
package import Failures
package import Primitives

/// Why a request was not prepared; nothing was sent.
package enum PreparationError: UserFacingError, Equatable {
    /// The node is of another chain than the one that the operator or the request names.
    case wrongChain(expected: UInt64, actual: UInt64)
    /// Calldata for an account that has no code: it would succeed and do nothing.
    case noContract(Address)
    /// The sender cannot pay what the transaction may cost at most.
    case insufficientFunds(sender: Address, balance: Quantity, needed: Quantity?)
    /// What a request would do depends on those before it, and the node cannot try them together.
    case dependent(label: String?)
    /// What the chain asks for each unit of gas is more than the operator allows, both in wei.
    case tooExpensive(baseFee: Quantity, limit: Quantity)

    package var kind: ErrorCategory {
        switch self {
        case .wrongChain, .noContract, .insufficientFunds: .badInput
        case .dependent: .serviceFailed
        case .tooExpensive: .negativeResult
        }
    }

    package var description: String {
        switch self {
        case .wrongChain(let expected, let actual): "the node is of chain \(actual), not of chain \(expected)"
        case .noContract(let address): "there is no contract at \(address): the call would do nothing"
        case .insufficientFunds(let sender, let balance, let needed):
            "\(sender) has \(balance.inEther), but the transactions may cost "
                + (needed.map { "\($0.inEther), \($0.less(balance).inEther) more" } ?? "more than there is")
        case .dependent(let label):
            "what \(label.map { $0.quoted() } ?? "a request") would do depends on the requests before it, and the node "
                + "cannot try them together (it has no eth_simulateV1)"
        case .tooExpensive(let baseFee, let limit):
            "a unit of gas costs \(baseFee.value) wei, and --max-fee allows \(limit.value)"
        }
    }

    package var hints: [String] {
        switch self {
        case .wrongChain(let expected, _):
            [
                "name a node of chain \(expected) with --rpc-url, or the chain that is meant with --chain; a request "
                    + "may name one as well"
            ]
        case .noContract: ["is the address right, and the chain?"]
        case .insufficientFunds(let sender, _, _):
            ["send ether to \(sender) on this chain; --dry-run says what the requests may cost, --max-fee bounds it"]
        case .dependent: ["send the requests instead, or use a node that has eth_simulateV1"]
        case .tooExpensive: ["wait until gas is cheaper, or allow more with --max-fee"]
        }
    }
}

extension Quantity {
    /// What is missing from another to be as much.
    fileprivate func less(_ other: Quantity) -> Quantity {
        other < self ? (try? Quantity(value - other.value)) ?? .zero : .zero
    }

    /// The amount as people read it: ether, without trailing zeros.
    package var inEther: String {
        let digits = String(value)
        let padded = String(repeating: "0", count: max(0, 19 - digits.count)) + digits
        var fraction = padded.suffix(18)
        while fraction.last == "0" { fraction = fraction.dropLast() }
        return padded.dropLast(18) + (fraction.isEmpty ? "" : ".\(fraction)") + " ether"
    }
}
