import EthereumNode
import FakeNode
import JSON
import LoopbackServer
import Primitives
import TestVectors
import Testing
import Transactions

/// Finding the transaction that has a nonce of an account.
@Suite struct NonceSearchTests {
    /// The account of the vectors, and a transaction of it that a block shows.
    private static func known() throws -> (sender: Address, shown: JSONObject) {
        let vector = try #require(
            try TestVectors.load("mined-transactions.json", member: "vectors").first { $0["name"] == .string("type 2") }
        )
        return (try Address(vector.string("sender")), try vector.object("transaction"))
    }

    /// A node whose account has used nonce 300 in a block, and that has no state of older blocks than some.
    private static func answer(
        _ call: FakeNode.Call, used: UInt64, head: UInt64, oldest: UInt64, block: JSONObject
    ) -> FakeNode.Reply {
        switch call.method {
        case "eth_blockNumber": return .text(head.quantity)
        case "eth_getTransactionCount":
            guard let number = try? UInt64(quantity: call.parameters.last?.string ?? ""), number >= oldest else {
                return .error(-32000, "missing trie node")
            }
            return .text(number >= used ? "0x12d" : "0x12c")
        case "eth_getBlockByNumber":
            let isIt = call.parameters == [.string(used.quantity), .bool(true)]
            return .result(.members(["transactions": .array(isIt ? [.object(block)] : [])]))
        default: return .error(-32601, "no such method")
        }
    }

    @Test(
        arguments: [
            (used: 1000, head: 1000, requests: 2), (999, 1000, 2), (997, 1000, 3), (500, 1000, 4), (1, 1000, 5),
            (0, 0, 1), (1, 1, 2), (.max - 3, .max, 5), (12_345_678, 30_000_000, 9),
        ] as [(used: UInt64, head: UInt64, requests: Int)])
    func `the block is found in few requests, however old`(used: UInt64, head: UInt64, requests: Int) throws {
        let (sender, shown) = try Self.known()
        try withFakeNode({ Self.answer($0, used: used, head: head, oldest: 0, block: shown) }) { fake, node in
            let search = NonceSearch(sender: sender, nonce: 300, chainId: 8453, head: head)
            let found = try #require(try search.occupant(asking: node))
            let hash = try Bytes32(hex: shown.string("hash"))
            #expect(found == (hash, used, head))
            #expect(fake.server.requests.count <= requests)
        }
    }

    @Test func `a node without old states shows what is newer`() throws {
        let (sender, shown) = try Self.known()
        let search = NonceSearch(sender: sender, nonce: 300, chainId: 8453, head: 10_000)
        for (used, isFound) in [(9_950, true), (9_000, false)] as [(UInt64, Bool)] {
            try withFakeNode({ Self.answer($0, used: used, head: 10_000, oldest: 9_872, block: shown) }) { _, node in
                let found = try search.occupant(asking: node)
                #expect((found != nil) == isFound)
            }
        }
    }

    @Test("what the account has not signed is not shown", arguments: ["from", "r", "nonce", "chainId", "value"])
    func lies(changed: String) throws {
        let (sender, shown) = try Self.known()
        let lie = JSONObject(
            members: shown.members.map { ($0.name, $0.name == changed ? JSONValue.string("0x12e") : $0.value) })
        try withFakeNode({ Self.answer($0, used: 90, head: 100, oldest: 0, block: lie) }) { _, node in
            let search = NonceSearch(sender: sender, nonce: 300, chainId: 8453, head: 100)
            let found = try search.occupant(asking: node)
            #expect(found == nil)
        }
    }
}
