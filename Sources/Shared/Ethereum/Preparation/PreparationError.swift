package import EthereumNode
package import Failures
package import Primitives

/// Why a request was not prepared; nothing was sent.
package enum PreparationError: UserFacingError, Equatable {
    /// The node is of another chain than the one that the operator or the request names.
    case wrongChain(expected: UInt64, actual: UInt64)
    /// The request names an account as its sender, and the key is another's.
    case wrongSender(label: String?, from: Address, key: Address)
    /// Calldata for an account that has no code: it would succeed and do nothing.
    case noContract(Address)
    /// The sender cannot pay what the transaction may cost at most, in wei; `UInt256.max` stands for more than that too.
    case insufficientFunds(sender: Address, balance: UInt256, needed: UInt256)
    /// A node says so, in its own words, of a sender that has what the transaction may cost.
    case fundsRefused(sender: Address, balance: UInt256, needed: UInt256, message: String)
    /// What a request would do depends on those before it, and the node cannot try them together.
    case dependent(label: String?)
    /// What the chain asks for each unit of gas is more than the operator allows, both in wei.
    case tooExpensive(baseFee: UInt256, limit: UInt256)

    package var kind: ErrorCategory {
        switch self {
        case .wrongChain, .wrongSender, .noContract: .badInput
        case .dependent: .serviceFailed
        case .insufficientFunds, .fundsRefused, .tooExpensive: .negativeResult
        }
    }

    package var description: String {
        switch self {
        case .wrongChain(let expected, let actual): "the node is on chain \(actual), not on chain \(expected)"
        case .wrongSender(let label, let from, let key):
            "\(label.map { $0.quoted() } ?? "the request") is from \(from), but the key is that of \(key)"
        case .noContract(let address): "there is no contract at \(address): the call would do nothing"
        case .insufficientFunds(let sender, let balance, let needed):
            "\(sender) has \(balance.inEther), but the transactions may cost "
                + (needed == .max
                    ? "more than there is" : "\(needed.inEther), \((needed.subtracting(balance) ?? 0).inEther) more")
        case .fundsRefused(let sender, let balance, let needed, let message):
            "the node rejected the transaction: \(message.quoted(limit: 200)); \(sender) has \(balance.inEther), and the "
                + "transactions may cost \(needed.inEther)"
        case .dependent(let label):
            "the outcome of \(label.map { $0.quoted() } ?? "a request") depends on the requests before it, and the node "
                + "cannot simulate them together (it has no eth_simulateV1)"
        case .tooExpensive(let baseFee, let limit):
            "gas costs \(baseFee) wei a unit, but --max-fee allows \(limit)"
        }
    }

    package var hints: [String] {
        switch self {
        case .wrongChain(let expected, _):
            [
                "name a node on chain \(expected) with --rpc-url, or the intended chain with --chain; a request "
                    + "may name one as well"
            ]
        case .wrongSender: ["sign with that account's key, or leave from out of the request"]
        case .noContract: ["are the address and the chain right?"]
        case .insufficientFunds(let sender, _, _), .fundsRefused(let sender, _, _, _):
            [
                "send ether to \(sender) on this chain; --dry-run shows what the requests may cost, and --max-fee "
                    + "limits it"
            ]
        case .dependent: ["send the requests instead, or use a node that has eth_simulateV1"]
        case .tooExpensive: ["wait until gas is cheaper, or raise --max-fee"]
        }
    }
}

extension PreparationError {
    /// Why a node refuses what the sender cannot pay: with the sums, which it is asked for.
    ///
    /// - Parameters:
    ///   - failure: what the node said.
    ///   - needed: what may be spent, in wei.
    /// - Returns: `failure` itself if the node does not know the balance.
    package static func lackOfFunds(
        of sender: Address, needed: UInt256, asking node: EthereumNode, after failure: NodeError
    ) -> any UserFacingError {
        do throws(NodeError) {
            let balance = try node.ask(.balance(of: sender, at: .latest), retryBudget: .zero)
            guard balance >= needed else {
                return Self.insufficientFunds(sender: sender, balance: balance, needed: needed)
            }
            return Self.fundsRefused(sender: sender, balance: balance, needed: needed, message: failure.words)
        } catch { return failure }
    }
}

extension UInt256 {
    /// The amount as people read it: ether, without trailing zeros.
    package var inEther: String {
        let weiPerEther: UInt64 = 1_000_000_000_000_000_000
        let (whole, wei) = quotientAndRemainder(dividingBy: weiPerEther)
        // The digit in front keeps the zeros behind it.
        var fraction = String(weiPerEther + wei).dropFirst()
        while fraction.last == "0" { fraction = fraction.dropLast() }
        return fraction.isEmpty ? "\(whole) ether" : "\(whole).\(fraction) ether"
    }
}
