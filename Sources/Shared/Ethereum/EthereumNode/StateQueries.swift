package import JSON
package import Primitives

/// What a node states and nothing has proven yet.
package typealias Claim = JSONObject

extension NodeQuery where Answer == Claim? {
    /// A block by its number, as the node states it; nil if the node has none of that number.
    ///
    /// `BlockHeader` judges it, and `MinedTransaction` its transactions.
    /// - Parameter isWhole: whether it comes with its transactions, not with their hashes.
    package static func block(number: UInt64, isWhole: Bool = false) -> NodeQuery {
        block("eth_getBlockByNumber", .string(number.quantity), isWhole: isWhole)
    }

    /// A block by its hash, as the node states it; nil if the node knows none. See ``block(number:)``.
    package static func block(hash: Bytes32) -> NodeQuery { block("eth_getBlockByHash", .string(hash.hex)) }

    private static func block(_ method: String, _ name: JSONValue, isWhole: Bool = false) -> NodeQuery {
        NodeQuery(method, [name, .bool(isWhole)]) { value throws(NodeError) in
            guard !value.isNull else { return nil }
            guard let object = value.object else { throw .malformed(method: method, expected: "a block") }
            return object
        }
    }
}

extension NodeQuery where Answer == Claim {
    /// An account and words of its storage with proofs of them (EIP-1186), as the node states them.
    ///
    /// `ProvenAccount` judges it. The block is named by its hash (EIP-1898), so that a
    /// reorganisation cannot make an honest answer a false one.
    package static func proof(of address: Address, slots: [Bytes32], atBlock hash: Bytes32) -> NodeQuery {
        let block = JSONValue.members(["blockHash": .string(hash.hex)])
        let keys = JSONValue.array(slots.map { .string($0.hex) })
        return NodeQuery("eth_getProof", [.string(address.checksummed), keys, block]) { value throws(NodeError) in
            guard let object = value.object else { throw .malformed(method: "eth_getProof", expected: "a proof") }
            return object
        }
    }
}
