package import EthereumNode
package import Failures
package import Primitives

/// Why the nodes' words do not amount to a state that can be relied on. `endpoint` is a node's URL up to its port.
///
/// A node that was caught is not a failed service but an answer: its data cannot be trusted, and asking
/// again would only give the node another chance. So these end a program with exit 1; a node that cannot be reached, or
/// refuses to answer, with exit 3.
package enum ProvenStateError: UserFacingError, Equatable {
    /// A node said what its own proof does not show.
    case caught(endpoint: String, StateProofError)
    /// A node returned a block other than the requested one.
    case otherBlock(endpoint: String, asked: String, given: String)
    /// Nodes show different blocks of the same number; each entry is an endpoint and the hash that it shows.
    case disagreement(number: UInt64, needed: Int, shown: [QuorumNode.Statement])
    /// A node ends long before another.
    case farBehind(endpoint: String, head: UInt64, other: String, otherHead: UInt64)
    /// The newest block that is agreed upon is older than it may be.
    case tooOld(number: UInt64, age: UInt64, limit: UInt64)
    /// No node knows the block that was pinned.
    case unknownBlock(Bytes32)
    /// A node is of another chain than the one that was named.
    case wrongChain(endpoint: String, expected: UInt64, actual: UInt64)
    /// Fewer nodes answered than must agree; `last` is what went wrong with one of the others.
    case tooFewNodes(needed: Int, answered: Int, last: String)
    /// A node gave no answer.
    case failed(endpoint: String, NodeError)
    /// More nodes must agree than there are.
    case quorumTooLarge(quorum: Int, nodes: Int)

    package var kind: ErrorCategory {
        switch self {
        case .caught, .otherBlock, .disagreement, .farBehind, .tooOld, .unknownBlock: .negativeResult
        case .wrongChain, .quorumTooLarge: .badInput
        case .tooFewNodes: .serviceFailed
        case .failed(_, let error): error.kind
        }
    }

    package var description: String {
        switch self {
        case .caught(let endpoint, let error): "\(endpoint): not to be trusted: \(error)"
        case .otherBlock(let endpoint, let asked, let given):
            "\(endpoint): not to be trusted: asked for block \(asked), it returned \(given)"
        case .disagreement(let number, let needed, let shown):
            "nodes disagree about block \(number), and \(needed) must agree: "
                + shown.map { "\($0.endpoint) shows \($0.hash.hex)" }.joined(separator: ", ")
        case .farBehind(let endpoint, let head, let other, let otherHead):
            "\(endpoint) is at block \(head), and \(other) at \(otherHead): one of them is not to be trusted"
        case .tooOld(let number, let age, let limit):
            "the newest block shown, \(number), is \(age) seconds old, and at most \(limit) are allowed"
        case .unknownBlock(let hash): "no node knows block \(hash)"
        case .wrongChain(let endpoint, let expected, let actual):
            "\(endpoint): the node is on chain \(actual), not on chain \(expected)"
        case .tooFewNodes(let needed, let answered, let last):
            "\(needed) nodes must agree on a block, but \(answered) answered: \(last)"
        case .failed(let endpoint, let error):
            error.description.hasPrefix(endpoint) ? error.description : "\(endpoint): \(error)"
        case .quorumTooLarge(let quorum, let nodes): "\(quorum) nodes must agree, but \(nodes) are named"
        }
    }

    package var hints: [String] {
        switch self {
        case .caught(_, let error): error.hints
        case .disagreement, .farBehind:
            ["one of them lies or follows a fork: name the block to trust with --block-hash"]
        case .failed(_, .methodFailed): ["the node must support eth_getProof for this block"]
        case .failed(_, let error): error.hints
        case .otherBlock: ["the node is lying or broken: use another"]
        case .tooOld: ["the nodes lag behind: use others, or raise --max-age"]
        case .unknownBlock:
            ["are the hash and the chain right? a node may not have the block yet, or may have dropped it"]
        case .wrongChain(_, let expected, let actual):
            ["name a node on chain \(expected) with --rpc-url, or chain \(actual) with --chain"]
        case .tooFewNodes: ["name more nodes with --rpc-url, or lower --quorum"]
        case .quorumTooLarge: ["name more nodes with --rpc-url; a node named twice counts once"]
        }
    }
}
