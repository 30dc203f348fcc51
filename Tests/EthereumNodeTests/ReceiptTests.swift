import EthereumNode
import FakeNode
import JSON
import Primitives
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ReceiptTests {
    private static let hash = Bytes32(checked: [UInt8](repeating: 0x11, count: 32))

    /// A receipt after the example of the execution APIs, with the members that are named replaced or left out.
    private static func receipt(_ changes: [String: JSONValue?] = [:]) throws -> JSONValue {
        let text = """
            {"blockHash":"0x\(String(repeating: "22", count: 32))","blockNumber":"0x1b4","contractAddress":null,
            "cumulativeGasUsed":"0x33bc","effectiveGasPrice":"0x4a817c800",
            "from":"0xa7d9ddbe1f17865597fbd27ec712455208b6b76d","gasUsed":"0x4dc",
            "logs":[{"address":"0xf02c1c8e6114b1dbe8937a39260b5b0a374432bb","blockHash":"0x00","blockNumber":"0x1b4",
            "data":"0x0102","logIndex":"0x1","removed":false,"topics":["0x\(String(repeating: "33", count: 32))"],
            "transactionHash":"0x00","transactionIndex":"0x0"},
            {"address":"0xf02c1c8e6114b1dbe8937a39260b5b0a374432bb","data":"0x","topics":[]}],
            "logsBloom":"0x00","root":"0x","status":"0x1","to":"0xf02c1c8e6114b1dbe8937a39260b5b0a374432bb",
            "transactionHash":"\(hash)","transactionIndex":"0x41","type":"0x2"}
            """
        let object = try #require(JSONParser.parse(text).object)
        return .object(
            JSONObject(
                members: object.members.compactMap { member in
                    guard let change = changes[member.name] else { return member }
                    return change.map { (member.name, $0) }
                }))
    }

    private static func read(_ changes: [String: JSONValue?] = [:]) throws -> Receipt? {
        try ask(.receipt(of: hash), replying: .result(receipt(changes)))
    }

    @Test func `a receipt is read, and what is unknown in it ignored`() throws {
        let receipt = try #require(try Self.read())
        #expect(receipt.transactionHash == Self.hash)
        #expect(receipt.blockNumber == 436)
        #expect(!receipt.isPromise)
        #expect(receipt.isSuccess)
        #expect(receipt.gasUsed == 1244)
        #expect(receipt.effectiveGasPrice == wei(20_000_000_000))
        #expect(receipt.logs.map(\.data) == [[1, 2], []])
        #expect(receipt.logs.map(\.topics) == [[Bytes32(checked: [UInt8](repeating: 0x33, count: 32))], []])
        #expect(
            receipt.logs.map(\.address.hex) == Array(repeating: "0xf02c1c8e6114b1dbe8937a39260b5b0a374432bb", count: 2))
    }

    @Test func `a transaction in no block has none`() throws {
        #expect(try ask(.receipt(of: Self.hash), replying: .result(.null)) == nil)
    }

    @Test func `a failed transaction is told`() throws {
        let receipt = try #require(try Self.read(["status": "0x0", "contractAddress": .string(account.lowercased())]))
        #expect(!receipt.isSuccess)
    }

    @Test(
        "what is absent or malformed and not needed leaves the receipt readable",
        arguments: ["blockHash", "gasUsed", "effectiveGasPrice", "logs", "type", "root"])
    func notNeeded(member: String) throws {
        for change in [nil, .null, .bool(true), "0x1g"] as [JSONValue?] {
            let receipt = try #require(try Self.read([member: change]))
            #expect(receipt.isSuccess && receipt.blockNumber == 436)
            #expect(receipt.isPromise == (member == "blockHash" && change == .null))
            #expect((receipt.gasUsed == nil) == (member == "gasUsed"))
            #expect((receipt.effectiveGasPrice == nil) == (member == "effectiveGasPrice"))
            #expect(receipt.logs.isEmpty == (member == "logs"))
        }
    }

    @Test func `a block hash of zeros is none: no block holds the transaction yet`() throws {
        #expect(try #require(try Self.read(["blockHash": .string(Bytes32.zero.hex)])).isPromise)
        #expect(try #require(try Self.read(["blockHash": .null])).isPromise)
        #expect(try !#require(try Self.read(["blockHash": nil])).isPromise)
    }

    @Test(
        "other forms of numbers and hashes are read",
        arguments: [
            ("status", #""0x01""#), ("blockNumber", #""0x00001b4""#),
            ("transactionHash", #""\#(String(repeating: "11", count: 32))""#), ("type", #""0x7e""#),
        ])
    func otherForms(member: String, text: String) throws {
        #expect(try Self.read([member: json(text)]) == Self.read())
    }

    @Test(
        "a receipt without a member that it needs is malformed",
        arguments: ["transactionHash", "blockNumber", "status"])
    func missing(member: String) throws {
        for change in [nil, .null] as [JSONValue?] {
            let expected = NodeError.malformed(
                method: "eth_getTransactionReceipt", expected: "an object with \(member)")
            #expect(throws: expected) { try Self.read([member: change]) }
        }
    }

    @Test(
        "an ill-typed member is malformed",
        arguments: [
            ("transactionHash", #""0x11""#), ("blockNumber", "436"), ("status", "1"), ("blockNumber", #""436""#),
            ("status", "true"),
            ("status", #""0x""#), ("status", #""success""#),
        ])
    func illTyped(member: String, text: String) throws {
        let error = #expect(throws: NodeError.self) { try Self.read([member: json(text)]) }
        guard case .malformed("eth_getTransactionReceipt", _) = error else { return unexpected(error) }
    }

    @Test(
        "a log that cannot be read is left out",
        arguments: [
            ("logs", "{}"), ("logs", "[1]"), ("logs", "[{}]"),
            ("logs", #"[{"address":"0x","topics":[],"data":"0x"}]"#),
            ("logs", #"[{"address":"0xf02c1c8e6114b1dbe8937a39260b5b0a374432bb","topics":["0x11"],"data":"0x"}]"#),
            ("logs", #"[{"address":"0xf02c1c8e6114b1dbe8937a39260b5b0a374432bb","topics":[],"data":"01"}]"#),
            ("logs", #"[{"address":"0xf02c1c8e6114b1dbe8937a39260b5b0a374432bb","topics":null,"data":"0x"}]"#),
        ])
    func unreadableLog(member: String, text: String) throws {
        #expect(try #require(try Self.read([member: json(text)])).logs.isEmpty)
    }

    @Test("what is no object is malformed", arguments: ["7", "[]", #""0x""#, "true"])
    func noObject(text: String) throws {
        let error = #expect(throws: NodeError.self) {
            try ask(.receipt(of: Self.hash), replying: .result(json(text)))
        }
        guard case .malformed = error else { return unexpected(error) }
    }
}
