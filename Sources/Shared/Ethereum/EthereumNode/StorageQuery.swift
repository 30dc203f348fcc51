import JSON
package import Primitives

extension NodeQuery where Answer == Bytes32 {
    /// A word of a contract's storage; zero where nothing was ever written.
    package static func storage(of address: Address, at slot: Bytes32, block: BlockTag) -> NodeQuery {
        NodeQuery("eth_getStorageAt", [.string(address.checksummed), .string(slot.hex), block.json]) {
            value throws(NodeError) in try value.hash(of: "eth_getStorageAt")
        }
    }
}
