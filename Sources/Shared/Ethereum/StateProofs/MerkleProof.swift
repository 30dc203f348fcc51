package import Failures
package import Primitives
import Transactions

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

/// A node of a Merkle-Patricia trie (Ethereum yellow paper, appendix D) whose keys are all 32 bytes long.
///
/// Only what an honest trie can hold is a node: no value in the middle, no branch with one way, no two extensions in a
/// row, no path with padding other than zero.
enum TrieNode {
    /// Sixteen ways, one for each nibble; nil where there is none.
    case branch([Reference?])
    /// Nibbles that all keys below share.
    case `extension`(path: [UInt8], Reference)
    /// The last nibbles of one key, and its value.
    case leaf(path: [UInt8], value: [UInt8])

    /// How a node names one below it.
    enum Reference {
        /// By its hash.
        case hash(Bytes32)
        /// By itself, since it has less than 32 bytes.
        case embedded(RLP)
    }

    /// A node with fewer bytes is embedded in its parent.
    static let hashedSize = 32

    /// - Throws: ``TrieNodeError`` for all but the canonical bytes of a node.
    init(decoding bytes: [UInt8]) throws(TrieNodeError) {
        let item: RLP
        do throws(RLPError) { item = try RLP(decoding: bytes) } catch { throw TrieNodeError(error.description) }
        try self.init(item)
    }

    /// - Throws: ``TrieNodeError``.
    init(_ item: RLP) throws(TrieNodeError) {
        guard case .list(let items) = item else { throw TrieNodeError("it is not a list") }
        switch items.count {
        case 17: self = try Self.branch(of: items)
        case 2:
            let (path, isLeaf) = try Self.path(of: items[0])
            if isLeaf {
                guard case .string(let value) = items[1], !value.isEmpty else {
                    throw TrieNodeError("a leaf without value")
                }
                self = .leaf(path: path, value: value)
            } else {
                guard !path.isEmpty else { throw TrieNodeError("an extension by nothing") }
                guard let child = try Self.reference(items[1]) else { throw TrieNodeError("an extension to nothing") }
                self = .extension(path: path, child)
            }
        default: throw TrieNodeError("a list of \(items.count) items")
        }
    }

    private static func branch(of items: [RLP]) throws(TrieNodeError) -> TrieNode {
        guard items[16] == .string([]) else { throw TrieNodeError("a value where no key ends") }
        let children = try items.prefix(16).map { item throws(TrieNodeError) in try reference(item) }
        guard children.count(where: { $0 != nil }) > 1 else {
            throw TrieNodeError("a branch with fewer than two children")
        }
        return .branch(children)
    }

    /// What an item names, or nil for the empty string, which is nothing.
    private static func reference(_ item: RLP) throws(TrieNodeError) -> Reference? {
        switch item {
        case .string([]): return nil
        case .string(let bytes):
            guard let hash = try? Bytes32(bytes) else { throw TrieNodeError("a reference of \(bytes.count) bytes") }
            return .hash(hash)
        case .list:
            guard item.encoded.count < hashedSize else { throw TrieNodeError("an embedded node that is too long") }
            return .embedded(item)
        }
    }

    /// The nibbles of a hex-prefix encoded path, and whether it is a leaf's (yellow paper, appendix C): the first
    /// nibble is 0 or 1 for an extension, 2 or 3 for a leaf, and the odd ones are followed by a nibble of the path.
    private static func path(of item: RLP) throws(TrieNodeError) -> (nibbles: [UInt8], isLeaf: Bool) {
        guard case .string(let bytes) = item, let first = bytes.first, bytes.count <= 33 else {
            throw TrieNodeError("an empty path")
        }
        let flag = first >> 4
        guard flag < 4 else { throw TrieNodeError("a path with the prefix \(flag)") }
        let isOdd = flag & 1 == 1
        guard isOdd || first & 15 == 0 else { throw TrieNodeError("a path with a padding other than zero") }
        return ((isOdd ? [first & 15] : []) + bytes.dropFirst().nibbles, flag & 2 == 2)
    }
}

/// Why bytes are no node. The reason is a clause.
struct TrieNodeError: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

extension Sequence<UInt8> {
    /// The halves of each byte, the higher one first.
    var nibbles: [UInt8] { flatMap { [$0 >> 4, $0 & 15] } }
}

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
