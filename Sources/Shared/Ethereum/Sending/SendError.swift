import BigInt
package import Failures
package import Primitives

/// Why a transaction was not sent, or why its outcome is not known.
package enum SendError: Failure, Equatable {
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
    /// A request names a nonce that is not behind those of the requests before it.
    case outOfOrder(nonce: UInt64, least: UInt64)
    /// Other machines used the nonce first, again and again.
    case outrun(Address)
    /// A record of a pending transaction that names none, or whose bytes are another's.
    case notPending
    /// What the chain asks for each unit of gas is more than the operator allows.
    case tooExpensive(baseFee: Quantity, limit: Quantity)

    package var kind: FailureKind {
        switch self {
        case .wrongChain, .noContract, .insufficientFunds, .notPending, .outOfOrder: .badInput
        case .rejected, .dependent, .keyInUse, .outrun: .serviceFailed
        case .tooExpensive: .answerIsNo
        }
    }

    package var description: String {
        switch self {
        case .wrongChain(let expected, let actual): "the node is of chain \(actual), not of chain \(expected)"
        case .noContract(let address): "there is no contract at \(address): the call would do nothing"
        case .insufficientFunds(let sender, let balance, let needed):
            "\(sender) has \(balance.inEther), but the transactions may cost "
                + (needed.map { "\($0.inEther), \($0.less(balance).inEther) more" } ?? "more than there is")
        case .rejected(let message): "the node rejected the transaction: \(message.quoted(limit: 200))"
        case .dependent(let label):
            "what \(label.map { $0.quoted() } ?? "a request") would do depends on the requests before it, and the node "
                + "cannot try them together (it has no eth_simulateV1)"
        case .keyInUse(let sender): "another tx-send is sending with the key of \(sender)"
        case .outOfOrder(let nonce, let least):
            "a request names the nonce \(nonce), and those before it have used all below \(least)"
        case .outrun(let sender): "other machines that send with the key of \(sender) take every nonce first"
        case .notPending: "a pending record needs a transactionHash that is its raw transaction's"
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
        case .rejected(let message) where message.lowercased().contains("insufficient funds"):
            ["send ether to the sender on this chain: --dry-run says whose it is and what the requests may cost"]
        case .rejected: ["look at the request: --dry-run says what it would do and cost"]
        case .dependent: ["send the requests instead, or use a node that has eth_simulateV1"]
        case .keyInUse: ["wait until the other has ended: two would take the same nonces"]
        case .outOfOrder: ["put the requests into the order of their nonces"]
        case .outrun: ["let one machine send at a time"]
        case .notPending: ["give --wait the records as tx-send printed them"]
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
