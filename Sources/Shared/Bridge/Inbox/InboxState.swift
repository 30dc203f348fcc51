package import BridgeClient
package import Envelope
package import Primitives

/// Where an inbox stands.
package struct InboxAddress: Hashable, Sendable {
    /// The chain of the bridge.
    package let chainId: UInt64
    /// The contract.
    package let bridge: Address
    /// The member.
    package let member: Bytes32

    package init(chainId: UInt64, bridge: Address, member: Bytes32) {
        self.chainId = chainId
        self.bridge = bridge
        self.member = member
    }
}

/// What has become of an inbox's messages: which are done with, which have to wait, and which are yet to come. It is
/// all that outlives a program.
package struct InboxState: Hashable, Sendable {
    /// How many messages may wait while later ones are delivered.
    package static let waitingLimit = 1000
    /// How many of the newest messages are known again each; of older ones, fewer and fewer.
    package static let denseMarks = 64
    /// By how many blocks a node may be behind. One that is further behind is not waited for, so that no node that
    /// once made up a head can have others taken for late ones.
    package static let lagLimit: UInt64 = 300

    /// The index of the first message that was not read yet.
    package private(set) var next: UInt64
    /// The messages before ``next`` that could not be delivered, and are to be tried again.
    package private(set) var waiting: Set<UInt64>
    /// The signed messages that were delivered.
    package var seen: ReplayCache
    /// What messages that were done with are known by, in the order of their places: the last ``denseMarks`` of them,
    /// and of those before, one at each distance that is twice the one before. The oldest of all is among them.
    ///
    /// Where the chain was reorganised, the newest that still stands vouches for all before it.
    package internal(set) var marks: [MessageMark]
    /// The newest block that any node has shown; nil if none has.
    package private(set) var head: UInt64?

    package init(
        next: UInt64 = 0, waiting: Set<UInt64> = [], seen: ReplayCache = ReplayCache(),
        marks: [MessageMark] = [], head: UInt64? = nil
    ) {
        self.next = next
        self.waiting = waiting
        self.seen = seen
        self.marks = marks.filter { $0.index < next && !waiting.contains($0.index) }.sorted { $0.index < $1.index }
        self.head = head
        thinMarks()
    }

    /// Notes that a message is done with: it was delivered, or never can be.
    package mutating func finish(_ mark: MessageMark) {
        waiting.remove(mark.index)
        next = max(next, mark.index + 1)
        let place = marks.firstIndex { $0.index >= mark.index } ?? marks.endIndex
        if place < marks.endIndex, marks[place].index == mark.index { marks.remove(at: place) }
        marks.insert(mark, at: place)
        thinMarks()
    }

    /// Notes that a message could not be delivered, and that later ones go on before it.
    ///
    /// - Returns: false if it cannot be passed over, since ``waitingLimit`` messages wait already.
    package mutating func postpone(_ index: UInt64) -> Bool {
        guard !waiting.contains(index) else { return true }
        guard waiting.count < Self.waitingLimit else { return false }
        waiting.insert(index)
        marks.removeAll { $0.index == index }
        next = max(next, index + 1)
        return true
    }

    /// Forgets what has become of the messages from an index on: others stand there now.
    mutating func truncate(to count: UInt64) {
        next = min(next, count)
        waiting = waiting.filter { $0 < count }
        marks.removeAll { $0.index >= count }
    }

    /// Whether it says the same of every message.
    func isSame(as other: InboxState) -> Bool {
        var other = other
        other.head = head
        return self == other
    }

    /// Whether a node that shows this block as its newest is merely behind others.
    func isBehind(_ head: UInt64) -> Bool {
        guard let newest = self.head, head < newest else { return false }
        return newest - head <= Self.lagLimit
    }

    /// Notes which block a node shows as its newest.
    mutating func note(head: UInt64) { if !isBehind(head) { self.head = head } }

    /// Drops marks of older messages: of each distance from the newest, as powers of 2 part them, the oldest stays.
    mutating func thinMarks(dense: Int = Self.denseMarks) {
        guard marks.count > dense, let newest = marks.last?.index else { return }
        var distances: Set<Int> = []
        let older = marks.dropLast(dense).filter { mark in
            distances.insert(((newest - mark.index) / UInt64(dense)).leadingZeroBitCount).inserted
        }
        marks = older + marks.suffix(dense)
    }
}
