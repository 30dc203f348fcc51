import BigInt
package import Failures
package import Primitives

/// Why a transaction was not sent, or why its outcome is not known.
package enum SendError: UserFacingError, Equatable {
    /// The node is of another chain than the one that the operator or the request names.
    case wrongChain(expected: UInt64, actual: UInt64)
    /// Calldata for an account that has no code: it would succeed and do nothing.
    case noContract(Address)
    /// The sender cannot pay what the transaction may cost at most.
    case insufficientFunds(sender: Address, balance: Quantity, needed: Quantity?)
    /// The node did not take the transaction.
    case rejected(message: String)
    /// What a request would do depends on those before it, and the node cannot try them together.
    case dependent(label: String?)
    /// Another program of this machine is sending with the key.
    case keyInUse(Address)
    /// A request names a nonce that is not above those of the requests before it.
    case outOfOrder(nonce: UInt64, least: UInt64)
    /// Other machines used the nonce first, again and again.
    case outrun(Address)
    /// A record of a pending transaction that names none, or whose bytes are another's.
    case notPending
    /// What the chain asks for each unit of gas is more than the operator allows.
    case tooExpensive(baseFee: Quantity, limit: Quantity)

    package var kind: ErrorCategory {
        switch self {
        case .wrongChain, .noContract, .insufficientFunds, .notPending, .outOfOrder: .badInput
        case .rejected, .dependent, .keyInUse, .outrun: .serviceFailed
        case .tooExpensive: .negativeResult
        }
    }

    package var description: String {
        switch self {
        case .wrongChain(let expected, let actual): "the node is on chain \(actual), not on chain \(expected)"
        case .noContract(let address): "there is no contract at \(address): the call would do nothing"
        case .insufficientFunds(let sender, let balance, let needed):
            "\(sender) has \(balance.inEther), but the transactions may cost "
                + (needed.map { "\($0.inEther), \($0.less(balance).inEther) more" } ?? "more than there is")
        case .rejected(let message): "the node rejected the transaction: \(message.quoted(limit: 200))"
        case .dependent(let label):
            "the outcome of \(label.map { $0.quoted() } ?? "a request") depends on the requests before it, and the node "
                + "cannot simulate them together (it has no eth_simulateV1)"
        case .keyInUse(let sender): "another tx-send is sending with the key of \(sender)"
        case .outOfOrder(let nonce, let least):
            "a request has nonce \(nonce), but those before it used every nonce below \(least)"
        case .outrun(let sender): "other machines sending with the key of \(sender) take every nonce first"
        case .notPending: "a pending record needs the transactionHash of its raw transaction"
        case .tooExpensive(let baseFee, let limit):
            "gas costs \(baseFee.value) wei a unit, but --max-fee allows \(limit.value)"
        }
    }

    package var hints: [String] {
        switch self {
        case .wrongChain(let expected, _):
            [
                "name a node on chain \(expected) with --rpc-url, or the intended chain with --chain; a request "
                    + "may name one as well"
            ]
        case .noContract: ["are the address and the chain right?"]
        case .insufficientFunds(let sender, _, _):
            [
                "send ether to \(sender) on this chain; --dry-run shows what the requests may cost, and --max-fee limits it"
            ]
        case .rejected(let message) where message.lowercased().contains("insufficient funds"):
            ["send ether to the sender on this chain; --dry-run shows who that is and what the requests may cost"]
        case .rejected: ["check the request: --dry-run shows what it would do and cost"]
        case .dependent: ["send the requests instead, or use a node that has eth_simulateV1"]
        case .keyInUse: ["wait until the other one ends: both would use the same nonces"]
        case .outOfOrder: ["put the requests in nonce order"]
        case .outrun: ["let only one machine send at a time"]
        case .notPending: ["give --wait the records as tx-send printed them"]
        case .tooExpensive: ["wait until gas is cheaper, or raise --max-fee"]
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
