import BridgeClient
import Primitives
import Testing

@testable import Inbox

/// What one poll asks for and delivers, beyond what the model walks through.
@Suite(.timeLimit(.minutes(1)))
struct InboxReadingTests {
    private static func fingerprint(_ index: UInt64, of fork: UInt8) -> MessageFingerprint {
        MessageFingerprint(index: index, digest: Bytes32(checked: [UInt8](repeating: fork, count: 32)))
    }

    @Test("the newest message that stands is found by bisection", arguments: [0, 1, 5, 40, 63, 64, 199, 200])
    func commonAncestor(standing: UInt64) {
        var state = InboxState()
        for index in 0..<UInt64(200) { state.finish(Self.fingerprint(index, of: 1)) }
        let kept = state.fingerprints
        var reading = InboxReading(state, triesWaiting: true, maxMessages: 1000)
        var polls = 0
        while case .poll(let asked, _) = reading.step, polls < 200 {
            polls += 1
            let found = asked.map { Self.fingerprint($0.index, of: $0.index < standing ? 1 : 2) }
            reading.polled(count: 200, found: found, head: 100)
        }
        // One for the newest, seven for some 70 others, and one for that on which the reading goes on.
        #expect(polls <= 9)
        let newest = kept.last { $0.index < standing }
        let first = newest.map { $0.index + 1 } ?? 0
        #expect(
            reading.step
                == (standing == 200
                    ? .done(.complete) : .read(Array(first..<200).prefix(80).map(\.self), after: newest)))
    }

    /// What is read in a poll of two messages that wait, and as many new ones, where so many may be.
    private func read(max: UInt64, turn: UInt64, waiting: Set<UInt64> = [0, 1, 2], count: UInt64 = 8) -> [UInt64] {
        let state = InboxState(next: 4, waiting: waiting, fingerprints: [Self.fingerprint(3, of: 1)])
        var reading = InboxReading(state, triesWaiting: true, maxMessages: max, turn: turn)
        reading.polled(count: count, found: Self.fingerprint(3, of: 1), head: 100)
        guard case .read(let indices, _) = reading.step else { return [] }
        return indices
    }

    @Test func `new messages and those that wait share what can be read, the latter first`() {
        #expect(read(max: 100, turn: 0) == [0, 1, 2, 4, 5, 6, 7])
        #expect(read(max: 4, turn: 0) == [0, 1, 4, 5])
        #expect(read(max: 100, turn: 0, waiting: [1, 3]) == [1, 3, 4, 5, 6, 7])
        // What one kind does not need is the other's.
        #expect(read(max: 4, turn: 0, count: 5) == [0, 1, 2, 4])
        #expect(read(max: 4, turn: 0, waiting: [2]) == [2, 4, 5, 6])
        #expect(read(max: 2, turn: 0, count: 4) == [0, 1])
    }

    @Test("each message has its turn", arguments: [1, 2, 3] as [UInt64])
    func turns(max: UInt64) {
        let turns = (0..<12).map { read(max: max, turn: $0) }
        #expect(Set(turns.joined()).isSuperset(of: [0, 1, 2, 4]))
        #expect(turns.allSatisfy { $0.count == Int(max) })
    }
}
