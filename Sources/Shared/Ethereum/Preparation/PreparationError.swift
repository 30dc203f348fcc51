package import EthereumNode
package import Failures
package import Primitives

/// Why a request was not prepared; nothing was sent.
package enum PreparationError: UserFacingError, Equatable {
    /// The node is of another chain than the one that the operator or the request names.
    case wrongChain(expected: UInt64, actual: UInt64)
    /// The request names an account as its sender, and the key or the operator another.
    case wrongSender(label: String?, from: Address, sender: Address)
    /// Calldata for an account that has no code: it would succeed and do nothing.
    case noContract(Address)
    /// The sender cannot pay what the transaction may cost at most, in wei; `UInt256.max` stands for more than that too.
    case insufficientFunds(sender: Address, balance: UInt256, needed: UInt256)
    /// A node says so, in its own words, of a sender that has what the transaction may cost.
    case fundsRefused(sender: Address, balance: UInt256, needed: UInt256, message: String)
    /// What a request would do depends on those before it, and the node cannot try them together.
    case dependent(label: String?)
    /// A request and those before it take more gas than the block has in which they are simulated.
    case simulationFull(label: String?)
    /// A request takes more gas than a transaction can have; how much is nil where nobody knows.
    case tooMuchGas(label: String?, gas: UInt64?, GasLimit)
    /// What the chain asks for each unit of gas is more than the operator allows, both in wei.
    case tooExpensive(baseFee: UInt256, limit: UInt256)

    package var kind: ErrorCategory {
        switch self {
        case .wrongChain, .wrongSender, .noContract: .badInput
        case .dependent, .simulationFull: .serviceFailed
        case .insufficientFunds, .fundsRefused, .tooExpensive, .tooMuchGas: .negativeResult
        }
    }

    package var description: String {
        switch self {
        case .wrongChain(let expected, let actual): "the node is on chain \(actual), not on chain \(expected)"
        case .wrongSender(let label, let from, let sender):
            "\(Self.name(label)) is from \(from), but the key or --from names \(sender)"
        case .noContract(let address): "there is no contract at \(address): the call would do nothing"
        case .insufficientFunds(let sender, let balance, let needed):
            "\(sender) has \(balance.inEther), but the transactions may cost "
                + (needed == .max
                    ? "more than there is" : "\(needed.inEther), \((needed.subtracting(balance) ?? 0).inEther) more")
        case .fundsRefused(let sender, let balance, let needed, let message):
            "the node rejected the transaction: \(message.quoted(limit: 200)); \(sender) has \(balance.inEther), and the "
                + "transactions may cost \(needed.inEther)"
        case .dependent(let label):
            "the outcome of \(Self.name(label, or: "a request")) depends on the requests before it, and the node "
                + "cannot simulate them together (it has no eth_simulateV1)"
        case .simulationFull(let label):
            "\(Self.name(label)) cannot be simulated with the requests before it: together they take more gas than a "
                + "block holds"
        case .tooMuchGas(let label, let gas, let limit):
            "\(Self.name(label)) takes " + (gas.map { "\($0) gas, but" } ?? "more gas than it can have:") + " \(limit)"
        case .tooExpensive(let baseFee, let limit):
            "gas costs \(baseFee) wei a unit, but --max-fee allows \(limit)"
        }
    }

    /// A request by its label.
    private static func name(_ label: String?, or unnamed: String = "the request") -> String {
        label?.quoted() ?? unnamed
    }

    package var hints: [String] {
        switch self {
        case .wrongChain(let expected, _):
            [
                "name a node on chain \(expected) with --rpc-url, or the intended chain with --chain; a request "
                    + "may name one as well"
            ]
        case .wrongSender: ["use that account's key or --from, or leave from out of the request"]
        case .noContract: ["are the address and the chain right?"]
        case .insufficientFunds(let sender, _, _), .fundsRefused(let sender, _, _, _):
            [
                "send ether to \(sender) on this chain; --dry-run shows what the requests may cost, and --max-fee "
                    + "limits it"
            ]
        case .dependent: ["send the requests instead, or use a node that has eth_simulateV1"]
        case .simulationFull: ["send the requests instead, or fewer at once"]
        case .tooMuchGas: ["do less in one transaction; for a large secret, see LARGE SECRETS in teebridge(7)"]
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

/// What limits the gas of a transaction, and to how much.
package enum GasLimit: Equatable, Sendable, CustomStringConvertible {
    /// The protocol, for a transaction of any block (EIP-7825).
    case transaction
    /// The newest block; nil where the node does not say its limit.
    case block(UInt64?)
    /// The node, for what it simulates: as much as a transaction may use, or a limit of its own.
    case node(UInt64)

    /// The most gas of a transaction where EIP-7825 is in force. Blocks of every public chain hold as much.
    static let mostOfTransaction: UInt64 = 1 << 24

    /// Whether EIP-7825 is known to be in force: on mainnet, Base, Base Sepolia and Sepolia.
    static func isTransactionLimited(on chainId: UInt64) -> Bool { [1, 8453, 84_532, 11_155_111].contains(chainId) }

    package var description: String {
        switch self {
        case .transaction: "a transaction may use at most \(Self.mostOfTransaction) (EIP-7825)"
        case .block(let gas): "a block holds " + (gas.map { "at most \($0)" } ?? "less")
        case .node(let gas): "the node allows at most \(gas)"
        }
    }
}
