package import Failures
package import JSONRPC
package import Primitives

/// Why a node gave no answer that can be used.
package enum NodeError: Failure, Equatable {
    /// The request failed, or the node refused it.
    case failed(RPCError)
    /// The answer is not of the form that the method has.
    case malformed(method: String, expected: String)
    /// The node is of another chain than the one that was named.
    case wrongChain(expected: UInt64, actual: UInt64)
    /// The node says that it took another transaction than the one it was given.
    case otherTransaction(expected: Bytes32, actual: Bytes32)

    package var kind: FailureKind {
        switch self {
        case .failed(let error): error.kind
        case .malformed: .serviceFailed
        case .wrongChain: .badInput
        case .otherTransaction: .outcomeUnknown
        }
    }

    package var description: String {
        switch self {
        case .failed(let error): error.description
        case .malformed(let method, let expected): "the node's answer to \(method) is not \(expected)"
        case .wrongChain(let expected, let actual): "the node is of chain \(actual), not of chain \(expected)"
        case .otherTransaction(let expected, let actual):
            "the node took the transaction \(expected) and gave it the hash \(actual)"
        }
    }

    package var hints: [String] {
        if case .failed(let error) = self { error.hints } else { [] }
    }
}
