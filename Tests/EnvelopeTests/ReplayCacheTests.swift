import Envelope
import Primitives
import Testing

/// How many messages are remembered, and which are forgotten.
struct ReplayCacheTests {
    private static func word(_ number: Int) -> Bytes32 {
        Bytes32(
            checked: [UInt8](repeating: 0, count: 24)
                + (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) })
    }

    private static func entries(_ sender: Int, _ ids: Range<Int>) -> [ReplayCache.Entry] {
        ids.map { .init(from: word(sender), messageId: word($0)) }
    }

    @Test func `the oldest of a sender is forgotten`() {
        let seen = ReplayCache(Self.entries(1, 0..<ReplayCache.limit + 3))
        #expect(seen.entries == Self.entries(1, 3..<ReplayCache.limit + 3))
    }

    @Test func `who sends many has nobody else's forgotten`() {
        let few = Self.entries(1, 0..<3)
        let seen = ReplayCache(few + Self.entries(2, 0..<5000))
        #expect(seen.entries.count == ReplayCache.limit)
        #expect(Array(seen.entries.prefix(3)) == few)
    }

    @Test func `one that comes again takes no second place`() {
        let entries = Self.entries(1, 0..<3)
        #expect(ReplayCache(entries + entries).entries == entries)
    }
}
