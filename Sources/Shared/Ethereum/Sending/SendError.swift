package import Failures
package import Primitives

/// Why a transaction was not sent, or why its outcome is not known.
package enum SendError: UserFacingError, Equatable {
    /// The node did not take the transaction.
    case rejected(message: String)
    /// Another program of this machine is sending with the key.
    case keyInUse(Address)
    /// A request names a nonce that is not above those of the requests before it.
    case outOfOrder(nonce: UInt64, least: UInt64)
    /// Other machines used the nonce first, again and again.
    case outrun(Address)
    /// A record of a pending transaction that names none, or whose bytes are another's.
    case notPending

    package var kind: ErrorCategory {
        switch self {
        case .notPending, .outOfOrder: .badInput
        case .rejected, .keyInUse, .outrun: .serviceFailed
        }
    }

    package var description: String {
        switch self {
        case .rejected(let message): "the node rejected the transaction: \(message.quoted(limit: 200))"
        case .keyInUse(let sender): "another tx-send is sending with the key of \(sender)"
        case .outOfOrder(let nonce, let least):
            "a request has nonce \(nonce), but those before it used every nonce below \(least)"
        case .outrun(let sender): "other machines sending with the key of \(sender) take every nonce first"
        case .notPending: "a pending record needs the transactionHash of its raw transaction"
        }
    }

    package var hints: [String] {
        switch self {
        case .rejected(let message) where message.lowercased().contains("insufficient funds"):
            ["send ether to the sender on this chain; --dry-run shows who that is and what the requests may cost"]
        case .rejected: ["check the request: --dry-run shows what it would do and cost"]
        case .keyInUse: ["wait until the other one ends: both would use the same nonces"]
        case .outOfOrder: ["put the requests in nonce order"]
        case .outrun: ["let only one machine send at a time"]
        case .notPending: ["give --wait the records as tx-send printed them"]
        }
    }
}
