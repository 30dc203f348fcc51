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

/// What a message that was done with is known by again, should the chain be reorganised.
package struct MessageDigest: Hashable, Sendable {
    /// Its place in the inbox, from 0.
    package let index: UInt64
    /// What its reader knows it by.
    package let digest: Bytes32

    package init(index: UInt64, digest: Bytes32) {
        self.index = index
        self.digest = digest
    }
}

/// What has become of an inbox's messages: which are done with, which have to wait, and which are yet to come.
package struct InboxState: Equatable, Sendable {
    /// How many messages may wait while later ones are delivered.
    package static let waitingLimit = 1000
    /// How many messages are known again.
    package static let digestLimit = 64

    /// The index of the first message that was not looked at yet.
    package private(set) var next: UInt64
    /// The messages before ``next`` that could not be delivered, and are to be tried again.
    package private(set) var waiting: Set<UInt64>
    /// The signed messages that were delivered.
    package var seen: SeenMessages
    /// The last messages that were done with, the newest last; fewer where the reader does not tell, and at most
    /// ``digestLimit``.
    package private(set) var digests: [MessageDigest]

    package init(
        next: UInt64 = 0, waiting: Set<UInt64> = [], seen: SeenMessages = SeenMessages(),
        digests: [MessageDigest] = []
    ) {
        self.next = next
        self.waiting = waiting
        self.seen = seen
        self.digests = digests.suffix(Self.digestLimit)
    }

    /// The index of the first message that is not done with.
    package var first: UInt64 { waiting.min() ?? next }

    /// Notes that a message is done with: it was delivered, or never can be.
    package mutating func finish(_ index: UInt64) {
        waiting.remove(index)
        next = max(next, index + 1)
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
