package import Failures

/// Why bytes are not a signed transaction of type 2.
package enum TransactionError: Failure, Equatable {
    /// The first byte is not 0x02.
    case notType2
    /// The payload is not canonical RLP of the right shape.
    case malformed(String)
    /// The signature is invalid or malleable.
    case invalidSignature(String)

    package var kind: FailureKind { .badInput }

    package var description: String {
        switch self {
        case .notType2: "not an EIP-1559 transaction (type 2)"
        case .malformed(let reason): "not a transaction: \(reason)"
        case .invalidSignature(let reason): "the transaction's signature does not hold: \(reason)"
        }
    }
}
