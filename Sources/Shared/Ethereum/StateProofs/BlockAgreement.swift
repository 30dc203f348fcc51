import EthereumNode
import Failures
package import Primitives

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
            warn("\(only) alone says which block is the newest; name more nodes, or a block with --block-hash")
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
