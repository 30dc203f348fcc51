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

/// What has become of an inbox's messages: which are done with, which have to wait, and which are yet to come.
package struct InboxState: Equatable, Sendable {
    /// How many messages may wait while later ones are delivered.
    package static let waitingLimit = 1000
    /// How many messages are known again.
    package static let markLimit = 64

    /// The index of the first message that was not looked at yet.
    package private(set) var next: UInt64
    /// The messages before ``next`` that could not be delivered, and are to be tried again.
    package private(set) var waiting: Set<UInt64>
    /// The signed messages that were delivered.
    package var seen: SeenMessages
    /// What the last messages that were done with are known by, in the order of their places; at most ``markLimit``.
    package private(set) var marks: [MessageMark]

    package init(
        next: UInt64 = 0, waiting: Set<UInt64> = [], seen: SeenMessages = SeenMessages(),
        marks: [MessageMark] = []
    ) {
        self.next = next
        self.waiting = waiting
        self.seen = seen
        self.marks = marks.suffix(Self.markLimit)
    }

    /// The index of the first message that is not done with.
    package var first: UInt64 { waiting.min() ?? next }

    /// Notes that a message is done with: it was delivered, or never can be.
    ///
    /// - Parameter mark: what it is known by, if it could be read.
    package mutating func finish(_ index: UInt64, _ mark: MessageMark?) {
        waiting.remove(index)
        next = max(next, index + 1)
        guard let mark else { return }
        let place = marks.firstIndex { $0.index >= index } ?? marks.endIndex
        if place < marks.endIndex, marks[place].index == index { marks.remove(at: place) }
        marks.insert(mark, at: place)
        if marks.count > Self.markLimit { marks.removeFirst() }
    }

    /// Notes that a message could not be delivered, and that later ones go on before it.
    ///
    /// - Returns: false if it cannot be passed over, since ``waitingLimit`` messages wait already.
    package mutating func postpone(_ index: UInt64) -> Bool {
        guard !waiting.contains(index) else { return true }
        guard waiting.count < Self.waitingLimit else { return false }
        waiting.insert(index)
        next = max(next, index + 1)
        return true
    }
}
