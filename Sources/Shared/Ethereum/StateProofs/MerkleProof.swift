package import Primitives

/// Proofs of what a Merkle-Patricia trie holds at a key, or that it holds nothing there.
///
/// The tries of accounts and of storage are the ones that are meant: their keys are hashes, 32 bytes each.
package enum MerkleProof {
    /// The root of a trie without keys: the hash of the empty string's RLP.
    package static let emptyRoot = Keccak256.hash([0x80])
    /// No node of a trie of accounts or storage words is longer: sixteen hashes, or a path and an account.
    private static let longestNode = 1024

    /// What the trie with this root holds at a key; nil if the proof shows that it holds nothing there.
    ///
    /// A proof is the nodes on the way from the root as far as the key leads, without those that are embedded in
    /// others, and without any more (EIP-1186). Each step of the way uses up a nibble of the key at least, so there
    /// are 64 steps at most. An empty trie's proof may be no node, or the empty node alone: nodes differ in that.
    /// - Parameter key: the hashed key.
    /// - Throws: ``ProofFlaw``; a proof cut short or with a node too many is none.
    package static func value(
        at key: Bytes32, below root: Bytes32, nodes: [[UInt8]]
    ) throws(ProofFlaw) -> [UInt8]? {
        if root == emptyRoot {
            guard nodes.isEmpty || nodes == [[0x80]] else { throw .superfluousNodes(count: nodes.count) }
            return nil
        }
        var walk = Walk(nodes: nodes)
        let value = try walk.value(at: key.bytes.nibbles[...], below: root)
        guard walk.used == nodes.count else { throw .superfluousNodes(count: nodes.count - walk.used) }
        return value
    }

    /// The way through a proof.
    private struct Walk {
        let nodes: [[UInt8]]
        /// How many nodes were passed.
        var used = 0

        mutating func value(at key: ArraySlice<UInt8>, below root: Bytes32) throws(ProofFlaw) -> [UInt8]? {
            var rest = key
            var next = TrieNode.Reference.hash(root)
            var mustBeBranch = false
            while true {
                switch try node(next) {
                case .branch(let ways):
                    guard let nibble = rest.popFirst() else { throw malformed("a branch where the key ends") }
                    guard let way = ways[Int(nibble)] else { return nil }
                    next = way
                    mustBeBranch = false
                case .extension(let path, let way):
                    guard !mustBeBranch, path.count < rest.count else {
                        throw malformed("an extension that is too long")
                    }
                    guard rest.starts(with: path) else { return nil }
                    rest = rest.dropFirst(path.count)
                    next = way
                    mustBeBranch = true
                case .leaf(let path, let value):
                    guard !mustBeBranch, path.count == rest.count else { throw malformed("a leaf of another length") }
                    return rest.elementsEqual(path) ? value : nil
                }
            }
        }

        private mutating func node(_ reference: TrieNode.Reference) throws(ProofFlaw) -> TrieNode {
            switch reference {
            case .embedded(let item):
                do throws(TrieNodeError) { return try TrieNode(item) } catch { throw malformed(error.reason) }
            case .hash(let hash):
                guard used < nodes.count else { throw .missingNode(used) }
                let bytes = nodes[used]
                used += 1
                guard bytes.count <= longestNode else { throw malformed("\(bytes.count) bytes") }
                guard Keccak256.hash(bytes) == hash else { throw .wrongHash(node: used - 1) }
                guard used == 1 || bytes.count >= TrieNode.hashedSize else { throw malformed("too short for a hash") }
                do throws(TrieNodeError) { return try TrieNode(decoding: bytes) } catch {
                    throw malformed(error.reason)
                }
            }
        }

        /// The flaw of the node that was passed last.
        private func malformed(_ reason: String) -> ProofFlaw { .malformedNode(used - 1, reason: reason) }
    }
}
