package import Failures
package import Primitives

/// Why a node's word about a block or about the state is not taken.
///
/// All of these mean that the answer is not to be trusted, which is an answer: no (exit 1). A node that is merely out
/// of order gives none of them, but an HTTP or JSON-RPC error.
package enum StateProofError: UserFacingError, Equatable {
    /// A member of the block or of the proof is absent, or is not of its type.
    case malformed(member: String, expected: String)
    /// A header with a field of a later fork, but without one that an earlier fork brought.
    case missingField(String, before: String)
    /// The header's fields give another hash than the one that is claimed for them.
    case falseHash(claimed: Bytes32, actual: Bytes32)
    /// The number of storage proofs differs from the number of slots requested.
    case wrongCount(expected: Int, actual: Int)
    /// The proof does not hold.
    case unproven(ProofSubject, ProofFlaw)
    /// A value claimed next to a proof differs from the proven one.
    case contradicted(ProofSubject, member: String)

    package var kind: ErrorCategory { .negativeResult }

    package var description: String {
        switch self {
        case .malformed(let member, let expected): "its \(member) is not \(expected)"
        case .missingField(let name, let later): "the block header has \(later) but lacks \(name)"
        case .falseHash(let claimed, let actual):
            "the block header has the hash \(actual), not the claimed \(claimed)"
        case .wrongCount(let expected, let actual): "\(actual) storage proofs were returned for \(expected) slots"
        case .unproven(let subject, let flaw): "the proof of \(subject) is invalid: \(flaw)"
        case .contradicted(let subject, let member): "the \(member) claimed for \(subject) is not the one in its proof"
        }
    }

    package var hints: [String] {
        guard case .falseHash = self else { return [] }
        return ["the node lies, or its chain has header fields that this version does not know"]
    }
}

/// What a proof is about.
package enum ProofSubject: Equatable, Sendable, CustomStringConvertible {
    /// An account, by its address.
    case account(Address)
    /// A word of storage, by its slot.
    case slot(Bytes32)

    package var description: String {
        switch self {
        case .account(let address): "the account \(address)"
        case .slot(let slot): "the storage slot \(slot)"
        }
    }
}

/// What is wrong with a Merkle-Patricia proof. Nodes are counted from 0, the root.
package enum ProofFlaw: Error, Equatable, Sendable, CustomStringConvertible {
    /// The way is longer than the proof.
    case missingNode(Int)
    /// The way ends before the proof does.
    case superfluousNodes(count: Int)
    /// A node does not match the hash in its parent (or the root).
    case wrongHash(node: Int)
    /// A node is not canonical RLP, or no node of a trie. The reason is a clause.
    case malformedNode(Int, reason: String)
    /// The value at the end of the way is none that this trie holds. The reason is a clause.
    case malformedValue(reason: String)

    package var description: String {
        switch self {
        case .missingNode(let index): "node \(index) is missing"
        case .superfluousNodes(let count): "it has \(count) superfluous nodes"
        case .wrongHash(let index): "node \(index) does not match its hash"
        case .malformedNode(let index, let reason): "node \(index) is malformed: \(reason)"
        case .malformedValue(let reason): "its value is malformed: \(reason)"
        }
    }
}
