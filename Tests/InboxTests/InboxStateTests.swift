import BridgeClient
import Envelope
import Files
import Glibc
import Inbox
import Primitives
import Testing

/// The state of an inbox; what its file does to the programs is shown by their tests.
@Suite(.timeLimit(.minutes(1)))
struct InboxStateTests {
    private static let address = InboxAddress(
        chainId: 8453, bridge: Address(checked: [UInt8](repeating: 0xB1, count: 20)), member: sender)

    @Test func `a message is done with once, and the next is the one behind the last`() {
        var state = InboxState()
        for index: UInt64 in [0, 1, 1, 2] { state.finish(index, nil) }
        #expect((state.first, state.next) == (3, 3))
    }

    @Test func `the first is the oldest that waits`() {
        var state = InboxState(next: 4)
        let postponed = [state.postpone(5), state.postpone(4)]
        #expect(postponed == [true, true])
        #expect((state.first, state.next, state.waiting) == (4, 6, [4, 5]))
        state.finish(4, nil)
        #expect((state.first, state.next) == (5, 6))
        state.finish(5, nil)
        #expect((state.first, state.next) == (6, 6))
    }

    @Test func `as many may wait as can be kept, and those may wait again`() {
        var state = InboxState()
        for index in 0..<UInt64(InboxState.waitingLimit) { _ = state.postpone(index) }
        let full = state
        let postponed = [state.postpone(state.next), state.postpone(7)]
        #expect(postponed == [false, true])
        #expect(state == full)
        #expect(full.waiting.count == InboxState.waitingLimit)
    }

    @Test func `the last messages are known again, in the order of their places, each by its newest mark`() {
        func mark(_ index: UInt64, _ byte: UInt8) -> MessageMark {
            MessageMark(index: index, digest: Bytes32(checked: [UInt8](repeating: byte, count: 32)))
        }
        var state = InboxState()
        for index: UInt64 in [0, 2, 1, 3] { state.finish(index, mark(index, 1)) }
        state.finish(4, nil)
        state.finish(1, mark(1, 2))
        #expect(state.marks == [mark(0, 1), mark(1, 2), mark(2, 1), mark(3, 1)])
        for index: UInt64 in 5..<200 { state.finish(index, mark(index, 1)) }
        #expect(state.marks.count == InboxState.markLimit)
        #expect(state.marks.first == mark(136, 1))
        #expect(state.marks.last == mark(199, 1))
    }

    @Test func `what is saved is read again, and is that of one inbox`() throws {
        let path = "/tmp/teebridge-inbox-state-\(getpid()).json"
        defer { for file in [path, "\(path).lock"] { unsafe unlink(file) } }
        let seen = SeenMessages([.init(from: sender, messageId: .zero)])
        let state = InboxState(
            next: .max, waiting: [0, 9, .max - 1], seen: seen, marks: [MessageMark(index: 3, digest: sender)])
        do {
            let file = try InboxStateFile(path)
            #expect(try file.state(of: Self.address) == InboxState())
            try file.save(state, of: Self.address)
            #expect(throws: FileError.inUse(path: "\(path).lock")) { try InboxStateFile(path) }
        }
        let file = try InboxStateFile(path)
        #expect(try file.state(of: Self.address) == state)
        #expect(file.seen == seen)
        let other = InboxAddress(chainId: 1, bridge: Self.address.bridge, member: sender)
        #expect(throws: InboxStateError.foreign(path: path, saved: Self.address, expected: other)) {
            try file.state(of: other)
        }
    }
}
