import JSON
import MemberSite
import Primitives
import Secrets
import Testing

@Suite struct InboxMemoryTests {
    private let member = Keccak256.hash([])

    private func remember(_ number: Int, length: Int = 1, in memory: inout InboxMemory) {
        let document = JSONValue.members([
            "index": .number(number), "payload": .string(String(repeating: "x", count: length)),
        ])
        memory.remember(index: UInt64(number), SecretBytes(copying: Array(document.compact.utf8)))
    }

    /// What a client reads.
    private func read(_ memory: InboxMemory) throws -> (indices: [JSONValue?], dropped: JSONValue?) {
        let object = try #require(JSONParser.parse(memory.document).object)
        #expect(object["member_id"] == .string(member.hex))
        return (try object.array("messages").map { $0.object?["index"] }, object["dropped"])
    }

    @Test func `an empty inbox is an empty array`() throws {
        let (indices, dropped) = try read(InboxMemory(member: member))
        #expect(indices.isEmpty)
        #expect(dropped == .number(0))
    }

    @Test func `the newest thousand messages are kept and the others counted`() throws {
        var memory = InboxMemory(member: member)
        for number in 0..<1234 { remember(number, in: &memory) }
        let (indices, dropped) = try read(memory)
        #expect(indices == (234..<1234).map { .number($0) })
        #expect(dropped == .number(234))
    }

    @Test func `the documents have sixteen megabytes at most`() throws {
        var memory = InboxMemory(member: member)
        for number in 0..<40 { remember(number, length: 1 << 20, in: &memory) }
        #expect(memory.document.count <= 16 << 20 + 200)
        let (indices, dropped) = try read(memory)
        #expect(indices == (25..<40).map { .number($0) })
        #expect(dropped == .number(25))
    }

    @Test func `a message that is larger than the memory is dropped and leaves it usable`() throws {
        var memory = InboxMemory(member: member, countLimit: 3, byteLimit: 100)
        remember(0, in: &memory)
        remember(1, length: 200, in: &memory)
        #expect(try read(memory).indices.isEmpty)
        remember(2, in: &memory)
        let (indices, dropped) = try read(memory)
        #expect(indices == [.number(2)])
        #expect(dropped == .number(2))
    }

    @Test func `a message takes the place of one with its index, and what no longer stands is forgotten`() throws {
        var memory = InboxMemory(member: member)
        for number in [0, 2, 1, 3, 2] { remember(number, in: &memory) }
        #expect(try read(memory).indices == (0..<4).map { .number($0) })
        memory.forget { $0 >= 2 }
        #expect(try read(memory).indices == (0..<2).map { .number($0) })
        #expect(try read(memory).dropped == .number(0))
    }
}
