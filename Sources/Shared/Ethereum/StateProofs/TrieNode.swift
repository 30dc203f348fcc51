import Primitives
import Transactions

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

    /// A node that has fewer bytes stands in the one above it.
    static let hashedSize = 32

    /// - Throws: ``TrieNodeError`` for all but the canonical bytes of a node.
    init(decoding bytes: [UInt8]) throws(TrieNodeError) {
        let item: RLP
        do throws(RLPError) { item = try RLP(decoding: bytes) } catch { throw TrieNodeError(error.description) }
        try self.init(item)
    }

    /// - Throws: ``TrieNodeError``.
    init(_ item: RLP) throws(TrieNodeError) {
        guard case .list(let items) = item else { throw TrieNodeError("it is no list") }
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
        guard children.count(where: { $0 != nil }) > 1 else { throw TrieNodeError("a branch of fewer than two ways") }
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
    /// nibble is 0 or 1 for an extension, 2 or 3 for a leaf, and the odd ones have a nibble of the path behind it.
    private static func path(of item: RLP) throws(TrieNodeError) -> (nibbles: [UInt8], isLeaf: Bool) {
        guard case .string(let bytes) = item, let first = bytes.first, bytes.count <= 33 else {
            throw TrieNodeError("a path that is none")
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
