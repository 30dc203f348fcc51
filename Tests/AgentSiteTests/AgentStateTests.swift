import AgentSite
import HTTPServer
import JSON
import Primitives
import SecretMemory
import Testing

private let member = Keccak256.hash([])

private func document(_ number: UInt64, length: Int = 1, end: String = "\n") -> SecretBytes {
    let text = #"{"index":\#(number),"payload":"\#(String(repeating: "x", count: length))"}"#
    return SecretBytes(copying: Array((text + end).utf8))
}

/// What a client reads.
private func read(_ body: ResponseBody) throws -> (indices: [JSONValue?], dropped: JSONValue?) {
    let object = try #require(JSONParser.parse(body.bytes).object)
    #expect(object["member_id"] == .string(member.hex))
    return (try object.array("messages").map { $0.object?["index"] }, object["dropped"])
}

@Suite struct AgentInboxTests {
    @Test func `an empty inbox has an empty array of messages`() throws {
        let (indices, dropped) = try read(AgentInbox(member: member).document)
        #expect(indices.isEmpty)
        #expect(dropped == .number(0))
    }

    @Test func `messages are joined with commas on one line, whether or not they end in a line feed`() {
        var memory = AgentInbox(member: member)
        memory.remember(index: 0, SecretBytes(copying: Array("{}\n".utf8)))
        memory.remember(index: 1, SecretBytes(copying: Array("[]".utf8)))
        let expected = #"{"member_id":"\#(member)","dropped":0,"messages":[{},[]]}"# + "\n"
        #expect(String(decoding: memory.document.bytes, as: UTF8.self) == expected)
    }

    @Test func `the newest thousand messages are kept and the others are counted`() throws {
        var memory = AgentInbox(member: member)
        for number in 0..<1234 as Range<UInt64> { memory.remember(index: number, document(number)) }
        let (indices, dropped) = try read(memory.document)
        #expect(indices == (234..<1234).map { .number($0) })
        #expect(dropped == .number(234))
    }

    @Test func `the messages take sixteen megabytes at most`() throws {
        var memory = AgentInbox(member: member)
        for number in 0..<40 as Range<UInt64> { memory.remember(index: number, document(number, length: 1 << 20)) }
        #expect(memory.document.count <= 16 << 20 + 200)
        let (indices, dropped) = try read(memory.document)
        #expect(indices == (25..<40).map { .number($0) })
        #expect(dropped == .number(25))
    }

    @Test func `a message larger than the inbox is dropped, and later ones are kept`() throws {
        var memory = AgentInbox(member: member, countLimit: 3, byteLimit: 100)
        memory.remember(index: 0, document(0))
        memory.remember(index: 1, document(1, length: 200))
        #expect(try read(memory.document).indices.isEmpty)
        memory.remember(index: 2, document(2))
        let (indices, dropped) = try read(memory.document)
        #expect(indices == [.number(2)])
        #expect(dropped == .number(2))
    }

    @Test func `messages are ordered by index, and a message replaces one of the same index`() throws {
        var memory = AgentInbox(member: member)
        for number in [5, 0, 9, 5, 7, .max, 0] as [UInt64] { memory.remember(index: number, document(number)) }
        #expect(try read(memory.document).indices == [0, 5, 7, 9, UInt64.max].map { .number($0) })
        memory.remember(index: 7, document(77))
        #expect(try read(memory.document).indices == [0, 5, 77, 9, UInt64.max].map { .number($0) })
    }

    @Test func `forgotten messages do not count as dropped, and make room`() throws {
        var memory = AgentInbox(member: member, countLimit: 10, byteLimit: 10 * document(0).count)
        for round in 0..<5 as Range<UInt64> {
            for number in 0..<10 as Range<UInt64> { memory.remember(index: number, document(number)) }
            memory.forget { $0 >= round }
            let (indices, dropped) = try read(memory.document)
            #expect(indices == (0..<round).map { .number($0) })
            #expect(dropped == .number(0))
        }
    }
}

@Suite struct AgentStateTests {
    private func indices(_ state: AgentState) throws -> [JSONValue?]? {
        try state.inboxDocument.map { try read($0).indices }
    }

    @Test func `there is no document before the inbox has been read to its end`() throws {
        let state = AgentState()
        #expect(state.inboxDocument == nil)
        state.beginInbox(of: member)
        state.remember(index: 0, document(0))
        #expect(state.inboxDocument == nil)
        state.finishInbox()
        #expect(try indices(state) == [.number(0)])
        state.beginInbox(of: member)
        #expect(state.inboxDocument == nil)
    }

    @Test func `an unchanged inbox keeps its document`() throws {
        let state = AgentState(maxStaleness: .zero)
        state.beginInbox(of: member)
        state.remember(index: 0, document(0))
        state.finishInbox()
        let first = try #require(state.inboxDocument)
        state.finishInbox()
        #expect(state.inboxDocument?.isSame(as: first) == true)
        state.remember(index: 1, document(1))
        #expect(state.inboxDocument?.isSame(as: first) == false)
        #expect(try read(first).indices == [.number(0)])
    }

    @Test func `while the inbox is being read, its document is renewed once it is too stale`() throws {
        for (maxStaleness, expected) in [(Duration.zero, [0, 1, 2]), (.seconds(100), [0])] as [(Duration, [UInt64])] {
            let state = AgentState(maxStaleness: maxStaleness)
            state.beginInbox(of: member)
            state.remember(index: 0, document(0))
            state.finishInbox()
            state.remember(index: 1, document(1))
            state.remember(index: 2, document(2))
            #expect(try indices(state) == expected.map { .number($0) })
            state.finishInbox()
            #expect(try indices(state) == [0, 1, 2].map { .number($0) })
        }
    }

    @Test func `a forgotten message is in no later document`() throws {
        let state = AgentState(maxStaleness: .seconds(100))
        state.beginInbox(of: member)
        for number in 0..<4 as Range<UInt64> { state.remember(index: number, document(number)) }
        state.finishInbox()
        state.forget { $0 >= 2 }
        #expect(try indices(state) == [.number(0), .number(1)])
    }
}
