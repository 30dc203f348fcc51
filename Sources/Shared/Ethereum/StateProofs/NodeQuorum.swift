package import EthereumNode
import Failures
import JSON
package import Primitives

/// The nodes that are still heard, and what became of the others.
struct NodeQuorum {
    private var responding: [QuorumNode]
    /// Why others are heard no more.
    private(set) var failures: [ProvenStateError] = []

    init(_ nodes: [QuorumNode]) { responding = nodes }

    /// Asks each node the same, and no more asks those that give no answer or were caught.
    @discardableResult
    mutating func askAll<Answer>(
        _ question: (QuorumNode) throws(ProvenStateError) -> Answer
    ) -> [(node: QuorumNode, answer: Answer)] {
        var answers: [(node: QuorumNode, answer: Answer)] = []
        for node in responding {
            do throws(ProvenStateError) { answers.append((node, try question(node))) } catch {
                failures.append(error)
            }
        }
        responding = answers.map(\.node)
        return answers
    }

    /// The failure to report: of a node that was caught or is of another chain, before one of a node that did not
    /// answer.
    var worst: ProvenStateError? { failures.first { $0.kind != .serviceFailed } ?? failures.last }

    /// What it means that too few are left.
    func tooFew(needed: Int) -> ProvenStateError {
        if let worst, worst.kind != .serviceFailed || needed == 1 { return worst }
        return .tooFewNodes(
            needed: needed, answered: responding.count, last: failures.last?.description ?? "no node has the block yet"
        )
    }
}

/// A node that is queried alone, so that its answers can be attributed to it.
package struct QuorumNode {
    /// How messages name it: scheme, host and port.
    package let endpoint: String
    /// The node, of one URL.
    package let node: EthereumNode

    /// - Parameter endpoint: the URL's display name; the rest of a URL holds keys.
    package init(endpoint: String, node: EthereumNode) {
        self.endpoint = endpoint
        self.node = node
    }

    /// Which block a node shows.
    package struct Statement: Equatable, Sendable {
        /// The node's endpoint, without secrets.
        package let endpoint: String
        /// The hash of the block that it shows.
        package let hash: Bytes32
    }

    /// - Throws: ``ProvenStateError/failed(endpoint:_:)``.
    func ask<Answer>(_ query: NodeQuery<Answer>) throws(ProvenStateError) -> Answer {
        do throws(NodeError) { return try node.ask(query) } catch { throw .failed(endpoint: endpoint, error) }
    }

    /// The header of the block with a number; nil if the node has none.
    ///
    /// - Throws: ``ProvenStateError``, for a header of another block or with a false hash too.
    func header(number: UInt64) throws(ProvenStateError) -> BlockHeader? {
        guard let header = try header(.block(number: number)) else { return nil }
        guard header.number == number else {
            throw .otherBlock(endpoint: endpoint, asked: "\(number)", given: "\(header.number)")
        }
        return header
    }

    /// The header of the block with a hash; nil if the node knows none. See ``header(number:)``.
    ///
    /// - Throws: ``ProvenStateError`` if the node fails, or shows another block.
    func header(hash: Bytes32) throws(ProvenStateError) -> BlockHeader? {
        guard let header = try header(.block(hash: hash)) else { return nil }
        guard header.hash == hash else {
            throw .otherBlock(endpoint: endpoint, asked: hash.hex, given: header.hash.hex)
        }
        return header
    }

    private func header(_ query: NodeQuery<JSONObject?>) throws(ProvenStateError) -> BlockHeader? {
        guard let block = try ask(query) else { return nil }
        do throws(StateProofError) { return try BlockHeader(json: block) } catch {
            throw .caught(endpoint: endpoint, error)
        }
    }
}

/// How it is decided which block to believe, and with it the whole state.
///
/// With a pinned hash the hash decides, and any node may show the block. Else so many nodes as the quorum says must show
/// the same block: the newest that so many of them have or, where they differ about that for a moment, one of the two
/// before it.
package struct BlockAgreement {
    /// The nodes; none twice.
    let nodes: [QuorumNode]
    /// How many must agree.
    let quorum: Int
    /// The block that the operator named.
    let pinned: Bytes32?
    /// The chain that the operator named.
    let chainId: UInt64?
    /// How old the agreed block may be, in seconds; nil for a warning when it is old.
    let maxAge: UInt64?
    /// Says what does not prevent an answer, but should be seen.
    let warn: (String) -> Void

    /// - Parameters:
    ///   - quorum: how many must agree; all, if nil.
    /// - Throws: ``ProvenStateError/quorumTooLarge(quorum:nodes:)``.
    package init(
        of nodes: [QuorumNode], quorum: Int?, pinned: Bytes32?, chainId: UInt64?, maxAge: UInt64? = nil,
        warn: @escaping (String) -> Void
    ) throws(ProvenStateError) {
        let quorum = quorum ?? nodes.count
        guard 1...max(nodes.count, 1) ~= quorum, !nodes.isEmpty else {
            throw .quorumTooLarge(quorum: quorum, nodes: nodes.count)
        }
        self.nodes = nodes
        self.quorum = quorum
        self.pinned = pinned
        self.chainId = chainId
        self.maxAge = maxAge
        self.warn = warn
        if quorum == 1, pinned == nil {
            let only = nodes.count == 1 ? nodes[0].endpoint : "whichever node answers first"
            warn("\(only) alone decides which block is the newest; name more nodes, or a block with --block-hash")
        }
    }

    /// The block to believe.
    ///
    /// - Throws: ``ProvenStateError``.
    package func block() throws(ProvenStateError) -> ProvenBlock {
        var responders = NodeQuorum(nodes)
        if let chainId {
            responders.askAll { node throws(ProvenStateError) in
                let actual = try node.ask(.chainId)
                guard actual == chainId else {
                    throw .wrongChain(endpoint: node.endpoint, expected: chainId, actual: actual)
                }
            }
        }
        let block = if let pinned { try self.block(hash: pinned, &responders) } else { try newest(&responders) }
        for failure in responders.failures { warn(failure.description) }
        return block
    }

    /// The chain: the one that the operator named, else the one that as many nodes as the quorum, and no others, say.
    ///
    /// - Throws: ``ProvenStateError/wrongChain(endpoint:expected:actual:)`` where two nodes are of two chains.
    package func chain() throws(ProvenStateError) -> UInt64 {
        if let chainId { return chainId }
        var responders = NodeQuorum(nodes)
        let answers = responders.askAll { node throws(ProvenStateError) in try node.ask(.chainId) }
        guard let first = answers.first, answers.count >= quorum else { throw responders.tooFew(needed: quorum) }
        for (node, actual) in answers where actual != first.answer {
            throw .wrongChain(endpoint: node.endpoint, expected: first.answer, actual: actual)
        }
        return first.answer
    }

    private func block(hash: Bytes32, _ responders: inout NodeQuorum) throws(ProvenStateError) -> ProvenBlock {
        let headers = responders.askAll { node throws(ProvenStateError) in try node.header(hash: hash) }
        guard let header = headers.compactMap(\.answer).first else { throw responders.worst ?? .unknownBlock(hash) }
        return ProvenBlock(header: header, nodes: headers.filter { $0.answer != nil }.map(\.node))
    }
}
