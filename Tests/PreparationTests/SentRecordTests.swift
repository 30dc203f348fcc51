import ABI
import EthereumNode
import FakeChain
import FakeNode
import JSON
import Preparation
import Primitives
import TEEBridge
import TestVectors
import Testing
import Transactions

extension SentRecord {
    fileprivate init(of request: TransactionRequest, _ status: Status) {
        self.init(label: request.label, id: request.id, status)
    }
}

@Suite(.timeLimit(.minutes(1)))
struct SentRecordTests {
    private static let hash = Bytes32(checked: [UInt8](repeating: 0xAA, count: 32))

    private static func record(_ status: SentRecord.Status, _ change: (inout SentRecord) throws -> Void = { _ in })
        rethrows -> String
    {
        var record = SentRecord(of: .open, status)
        try change(&record)
        return record.json(decoding: TEEBridge.answers).compact
    }

    /// A receipt as a node gives it, with logs.
    private static func receipt(_ logs: [JSONValue]) throws -> Receipt {
        try FakeChain(receipts: [FakeChain.receipt(of: hash, logs: logs)]).run { _, node in
            try #require(try node.ask(.receipt(of: hash)))
        }
    }

    @Test(
        "what does not apply is left out",
        arguments: [.skipped, .pending, .success, .reverted, .called] as [SentRecord.Status])
    func nothingElse(status: SentRecord.Status) throws {
        #expect(try Self.record(status) == #"{"label":"test","status":"\#(status.rawValue)"}"#)
    }

    @Test func `neither label nor id is made up`() {
        let bare = SentRecord(of: TransactionRequest(label: nil, to: contract, data: []), .skipped)
        #expect(bare.json(decoding: TEEBridge.answers).compact == #"{"status":"skipped"}"#)
        let named = SentRecord(of: .open.with { $0.id = "a" }, .skipped)
        #expect(
            named.json(decoding: TEEBridge.answers).compact == #"{"label":"test","id":"a","status":"skipped"}"#)
    }

    @Test func `members stand in their order`() throws {
        var record = SentRecord(of: .open.with { $0.id = "a" }, .reverted)
        record.transactionHash = Self.hash
        record.receipt = try Self.receipt([
            .members([
                "address": .string(contract.hex), "topics": .array([.string(Self.hash.hex)]), "data": "0x",
            ])
        ])
        record.estimate = (1, wei(2))
        record.revert = []
        record.result = []
        record.raw = [1]
        let members = try #require(record.json(decoding: TEEBridge.answers).object).members
        #expect(
            members.map(\.name) == [
                "label", "id", "status", "transactionHash", "blockNumber", "gasUsed", "effectiveGasPrice",
                "maxCost", "revert", "events", "result", "raw",
            ])
        let values = Dictionary(uniqueKeysWithValues: members.map { ($0.name, $0.value) })
        #expect(values["transactionHash"] == .string(Self.hash.hex))
        #expect(values["blockNumber"] == "0x64")
        #expect(values["gasUsed"] == "0x5208")
        #expect(values["effectiveGasPrice"] == "0x3b9aca07")
        #expect(values["result"] == "0x")
        #expect(values["raw"] == "0x01")
    }

    @Test(
        "reverts are named where they are known",
        arguments: [
            ("0x", #"{"data":"0x"}"#), ("0x12345678", #"{"data":"0x12345678"}"#), ("0x30", #"{"data":"0x30"}"#),
            ("0x30cd7471", #"{"name":"NotOwner","args":{},"data":"0x30cd7471"}"#),
            (
                "0x118cdaa70000000000000000000000009d8a62f656a8d1615c1294fd71e9cfb3e4855a4f",
                #"{"name":"OwnableUnauthorizedAccount","args":{"account":"0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F"},"#
                    + #""data":"0x118cdaa70000000000000000000000009d8a62f656a8d1615c1294fd71e9cfb3e4855a4f"}"#
            ),
            (
                "0x4e487b710000000000000000000000000000000000000000000000000000000000000012",
                #"{"name":"Panic","args":{"code":"0x12"},"#
                    + #""data":"0x4e487b710000000000000000000000000000000000000000000000000000000000000012"}"#
            ),
            (
                "0x08c379a00000000000000000000000000000000000000000000000000000000000000020"
                    + "000000000000000000000000000000000000000000000000000000000000000b"
                    + "62616420736967206c656e000000000000000000000000000000000000000000",
                #"{"name":"Error","args":{"message":"bad sig len"},"data":"0x08c379a0"#
                    + "0000000000000000000000000000000000000000000000000000000000000020"
                    + "000000000000000000000000000000000000000000000000000000000000000b"
                    + #"62616420736967206c656e000000000000000000000000000000000000000000"}"#
            ),
        ])
    func reverts(data: String, expected: String) throws {
        let bytes = try Hex.decode(data)
        let text = Self.record(.reverted) {
            $0.revert = bytes
        }
        #expect(text == #"{"label":"test","status":"reverted","revert":\#(expected)}"#)
    }

    @Test func `events of the bridge are named, and others stay as they are`() throws {
        let vectors = try TestVectors.load("teebridge.json", member: "events")
        let foreign = JSONValue.members([
            "address": .string(contract.hex),
            "topics": .array([.string(Self.hash.hex)]), "data": "0x0102",
        ])
        let anonymous = JSONValue.members(["address": .string(contract.hex), "topics": .array([]), "data": "0x"])
        let known = try vectors.map { vector in
            JSONValue.members([
                "address": .string(contract.hex), "topics": try .array(vector.array("topics")),
                "data": try .string(vector.string("data")),
            ])
        }
        let receipt = try Self.receipt(known + [foreign, anonymous])
        var record = SentRecord(of: .open, .success)
        record.receipt = receipt
        let events = try #require(record.json(decoding: TEEBridge.answers).object?["events"]?.array)
        #expect(events.count == vectors.count + 2)
        for (event, vector) in zip(events, vectors) {
            let object = try #require(event.object)
            #expect(object.members.map(\.name) == ["name", "address", "args"])
            #expect(try object.string("name") == vector.string("name"))
            #expect(try object.string("address") == contract.checksummed)
            #expect(try object.object("args").members.map(\.name) == vector.object("args").members.map(\.name))
        }
        let address = contract.checksummed
        #expect(
            events[vectors.count].compact
                == #"{"address":"\#(address)","topics":["\#(Self.hash.hex)"],"data":"0x0102"}"#)
        #expect(events[vectors.count + 1].compact == #"{"address":"\#(address)","topics":[],"data":"0x"}"#)
    }

    @Test func `a log with a known topic and other data stays as it is`() throws {
        let vector = try #require(TestVectors.load("teebridge.json", member: "events").first)
        let receipt = try Self.receipt([
            .members([
                "address": .string(contract.hex), "topics": try .array(vector.array("topics")), "data": "0x01",
            ])
        ])
        let text = Self.record(.success) { $0.receipt = receipt }
        let topic = try #require(vector.array("topics").first?.string)
        #expect(text.contains(#""topics":["\#(topic)""#))
        #expect(!text.contains("MemberRegistered"))
    }
}
