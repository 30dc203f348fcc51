import JSON
import Primitives
import TestVectors
import Testing
import Transactions

/// A transaction that a node shows is the one that its sender signed, or none.
@Suite struct MinedTransactionTests {
    private static let vectors = try? TestVectors.load("mined-transactions.json", member: "vectors")

    @Test("every type has the hash and the sender that eth-account gives it", arguments: try #require(vectors))
    func known(_ vector: JSONObject) throws {
        let shown = try vector.object("transaction")
        let mined = try MinedTransaction(json: shown)
        #expect(mined.sender == (try Address(vector.string("sender"))))
        #expect(mined.hash == (try Bytes32(hex: shown.string("hash"))))
        #expect(mined.nonce == UInt64(try vector.integer("nonce")))
        #expect(mined.chainId == UInt64(try vector.integer("chainId")))
    }

    @Test("a changed member makes another sender, or no transaction", arguments: try #require(vectors))
    func changed(_ vector: JSONObject) throws {
        let (shown, sender) = (try vector.object("transaction"), try Address(vector.string("sender")))
        // An old transaction's chain is in its v.
        let unsigned = shown["type"] == .string("0x0") ? ["chainId"] : []
        for (name, value) in shown.members where !(unsigned + ["from", "hash", "yParity", "v", "type"]).contains(name) {
            let other: JSONValue =
                switch value {
                case .string(let text): .string(text == "0x0" ? "0x1" : "0x" + (text.dropFirst(2) == "1" ? "2" : "1"))
                case .null: .string("0x" + String(repeating: "11", count: 20))
                case .array(let elements) where !elements.isEmpty: .array([])
                default: .null
                }
            let members = shown.members.map { ($0.name, $0.name == name ? other : $0.value) }
            guard let mined = try? MinedTransaction(json: JSONObject(members: members)) else { continue }
            #expect(mined.sender != sender, "\(name) is not signed")
        }
    }

    /// n - s with the other parity is a signature of the same sender, and its transaction has another hash: a node could
    /// show a transaction as another one.
    @Test("the twin of a signature makes no other transaction", arguments: try #require(vectors))
    func twin(_ vector: JSONObject) throws {
        let shown = try vector.object("transaction")
        let order = try UInt256(quantity: "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
        let twin = try #require(order.subtracting(UInt256(quantity: shown.string("s"))))
        let members = shown.members.map { name, value -> (String, JSONValue) in
            guard let text = value.string, let number = try? UInt64(quantity: text) else {
                return (name, name == "s" ? .string(twin.quantity) : value)
            }
            // An old transaction's v is odd where its parity is 0.
            let isOdd = number % 2 == 1
            return (
                name, ["v", "yParity"].contains(name) ? .string((isOdd ? number - 1 : number + 1).quantity) : value
            )
        }
        let isOldOne = shown["type"] == .string("0x0")
        #expect(throws: TransactionError.self) {
            let mined = try MinedTransaction(json: JSONObject(members: members))
            // Of an old one the changed v may name another chain, and so another sender.
            if isOldOne, mined.sender != (try Address(vector.string("sender"))) { throw TransactionError.notType2 }
        }
    }

    @Test(arguments: ["type", "nonce", "r", "s", "gas", "value", "input"])
    func `what is missing or no number is refused`(name: String) throws {
        let shown = try #require(Self.vectors?.first { $0["name"] == .string("type 2") }).object("transaction")
        for value in [
            nil, JSONValue.string("nonsense"), .number("1"), .string("0x1" + String(repeating: "0", count: 64)),
        ] {
            let members = shown.members.compactMap { member in
                member.name == name ? value.map { (name, $0) } : (member.name, member.value)
            }
            // Without a type it is of the old kind, and of no chain.
            #expect(throws: TransactionError.self) { try MinedTransaction(json: JSONObject(members: members)) }
        }
    }
}
