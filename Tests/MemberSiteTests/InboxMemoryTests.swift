import JSON
import MemberSite
import Primitives
import Testing

@Suite struct InboxMemoryTests {
    private let member = Keccak256.hash([])

    private func message(_ number: Int, length: Int = 1) -> JSONValue {
        .members(["index": .number(number), "payload": .string(String(repeating: "x", count: length))])
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
        for number in 0..<1234 { memory.remember(message(number)) }
        let (indices, dropped) = try read(memory)
        #expect(indices == (234..<1234).map { .number($0) })
        #expect(dropped == .number(234))
    }

    @Test func `the documents have sixteen megabytes at most`() throws {
        var memory = InboxMemory(member: member)
        for number in 0..<40 { memory.remember(message(number, length: 1 << 20)) }
        #expect(memory.document.count <= 16 << 20 + 200)
        let (indices, dropped) = try read(memory)
        #expect(indices == (25..<40).map { .number($0) })
        #expect(dropped == .number(25))
    }

    @Test func `a message that is larger than the memory is dropped and leaves it usable`() throws {
        var memory = InboxMemory(member: member, countLimit: 3, byteLimit: 100)
        memory.remember(message(0))
        memory.remember(message(1, length: 200))
        #expect(try read(memory).indices.isEmpty)
        memory.remember(message(2))
        let (indices, dropped) = try read(memory)
        #expect(indices == [.number(2)])
        #expect(dropped == .number(2))
    }
}
