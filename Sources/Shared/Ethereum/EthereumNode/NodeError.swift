package import Failures

/// Why a node gave no answer that can be used.
package enum NodeError: Failure, Equatable {
    /// The request failed, or the node refused it.
    case failed(RPCError)
    /// The answer is not of the form that the method has.
    case malformed(method: String, expected: String)
    package var kind: FailureKind {
        switch self {
        case .failed(let error): error.kind
        case .malformed: .serviceFailed
        }
    }

    package var description: String {
        switch self {
        case .failed(let error): error.description
        case .malformed(let method, let expected): "the node's answer to \(method) is not \(expected)"
        }
    }

    package var hints: [String] {
        if case .failed(let error) = self { error.hints } else { [] }
    }
}
