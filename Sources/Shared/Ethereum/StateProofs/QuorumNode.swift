package import EthereumNode
import JSON
package import Primitives

/// A node that is asked by itself, so that what it says can be held against it.
package struct QuorumNode {
    /// How messages name it: scheme, host and port.
    package let endpoint: String
    /// The node, of one URL.
    package let node: Node

    /// - Parameter endpoint: the URL's display name; the rest of a URL holds keys.
    package init(endpoint: String, node: Node) {
        self.endpoint = endpoint
        self.node = node
    }

    /// Which block a node shows.
    package struct Statement: Equatable, Sendable {
        package let endpoint: String
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
