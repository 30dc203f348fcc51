package import JSON
package import Primitives
import Transactions

/// A block's header whose hash is known to be the hash of its fields.
///
/// Whether the block is one of the chain, only the hash can tell: it must be known from somewhere else.
package struct BlockHeader: Equatable, Sendable {
    /// The block's hash, computed from all of its fields.
    package let hash: Bytes32
    /// The block's number.
    package let number: UInt64
    /// When it was made, in seconds of Unix time.
    package let timestamp: UInt64
    /// The root of the state's trie after the block.
    package let stateRoot: Bytes32

    /// The header of a block as eth_getBlockByNumber and eth_getBlockByHash state it.
    ///
    /// The fields are those of every fork up to Prague, in the order in which forks brought them; OP stack chains such
    /// as Base have the same. Members that are no header fields are ignored.
    /// - Throws: ``StateProofError``, above all ``StateProofError/falseHash(claimed:actual:)``.
    package init(json: JSONObject) throws(StateProofError) {
        var items: [RLP] = []
        for field in HeaderField.ofEveryBlock { items.append(try field.item(of: json)) }
        var missing: String?
        for field in HeaderField.ofLaterForks {
            guard json[field.name].map({ !$0.isNull }) ?? false else {
                missing = missing ?? field.name
                continue
            }
            if let missing { throw .missingField(missing, before: field.name) }
            items.append(try field.item(of: json))
        }
        hash = Keccak256.hash(RLP.list(items).encoded)
        let claimed = try HeaderField.hash(json, "hash")
        guard claimed == hash else { throw .falseHash(claimed: claimed, actual: hash) }
        number = try HeaderField.number(json, "number")
        timestamp = try HeaderField.number(json, "timestamp")
        stateRoot = try HeaderField.hash(json, "stateRoot")
    }
}
