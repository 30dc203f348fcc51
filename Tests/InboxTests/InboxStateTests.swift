import BridgeClient
import Envelope
import Files
import Glibc
import Primitives
import Testing

@testable import Inbox

/// The state of an inbox; what its file does to the programs is shown by their tests.
@Suite(.timeLimit(.minutes(1)))
struct InboxStateTests {
    private static let address = InboxAddress(
        chainId: 8453, bridge: Address(checked: [UInt8](repeating: 0xB1, count: 20)), member: sender)

    private static func fingerprint(_ index: UInt64, _ byte: UInt8 = 1) -> MessageFingerprint {
        MessageFingerprint(index: index, digest: Bytes32(checked: [UInt8](repeating: byte, count: 32)))
    }

    @Test func `a message is done with once, and the next is the one behind the last`() {
        var state = InboxState()
        for index: UInt64 in [0, 1, 1, 2] { state.finish(Self.fingerprint(index)) }
        #expect(state.next == 3)
        #expect(state.fingerprints.map(\.index) == [0, 1, 2])
    }

    @Test func `what waits has no fingerprint, and comes back as done`() {
        var state = InboxState(next: 4)
        let postponed = [state.postpone(5), state.postpone(4)]
        #expect(postponed == [true, true])
        #expect((state.next, state.waiting) == (6, [4, 5]))
        state.finish(Self.fingerprint(4))
        #expect((state.next, state.waiting, state.fingerprints) == (6, [5], [Self.fingerprint(4)]))
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

    @Test func `the last messages are known again, in the order of their places, each by its newest fingerprint`() {
        var state = InboxState()
        for index: UInt64 in [0, 2, 1, 3] { state.finish(Self.fingerprint(index)) }
        state.finish(Self.fingerprint(1, 2))
        #expect(
            state.fingerprints == [
                Self.fingerprint(0), Self.fingerprint(1, 2), Self.fingerprint(2), Self.fingerprint(3),
            ])
    }

    @Test("of older messages fewer and fewer are known again, and the oldest always", arguments: [65, 200, 10_000])
    func thinning(count: UInt64) {
        var state = InboxState()
        for index in 0..<count { state.finish(Self.fingerprint(index)) }
        let indices = state.fingerprints.map(\.index)
        #expect(Array(indices.suffix(InboxState.denseCount)) == Array((count - 64)..<count))
        #expect(indices.first == 0)
        #expect(indices.count <= InboxState.denseCount + 20)
        // Whatever stands last, what is read again is not many times more than what must be.
        for (older, newer) in zip(indices, indices.dropFirst()) { #expect(count - older <= 4 * (count - newer) + 64) }
    }

    @Test func `a node is behind for a while, and one that made up a head is not believed for long`() {
        func isBehind(_ head: UInt64, _ seen: UInt64?) -> Bool { InboxState(head: seen).isBehind(head) }
        #expect(isBehind(99, 100) && isBehind(100, 400) && !isBehind(100, 401) && !isBehind(100, 100))
        #expect(!isBehind(5, nil) && !isBehind(5, .max))
        var state = InboxState()
        for head: UInt64 in [7, .max, 8, 6] { state.note(head: head) }
        #expect(state.head == 8)
    }

    @Test func `what is saved is read again, and is that of one inbox`() throws {
        let path = "/tmp/teebridge-inbox-state-\(getpid()).json"
        defer { for file in [path, "\(path).lock"] { unsafe unlink(file) } }
        let seen = ReplayCache([.init(from: sender, messageId: .zero)])
        let state = InboxState(
            next: .max, waiting: [0, 9, .max - 1], seen: seen,
            fingerprints: [MessageFingerprint(index: 3, digest: sender)],
            head: 7)
        do {
            let file = try InboxStateFile(path)
            #expect(try file.state(of: Self.address) == InboxState())
            try file.save(state, of: Self.address)
            #expect(throws: FileError.inUse(path: "\(path).lock")) { try InboxStateFile(path) }
        }
        let file = try InboxStateFile(path)
        #expect(try file.state(of: Self.address) == state)
        let other = InboxAddress(chainId: 1, bridge: Self.address.bridge, member: sender)
        #expect(throws: InboxStateError.foreign(path: path, saved: Self.address, expected: other)) {
            try file.state(of: other)
        }
    }
}
