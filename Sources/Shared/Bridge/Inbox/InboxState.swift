package import BridgeClient
package import Envelope
import JSON
package import Primitives

/// The location of an inbox.
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
    package static let denseCount = 64
    /// How many blocks a node may lag behind. One that is further behind is not waited for, so that no node that
    /// once made up a head can have others taken for late ones.
    package static let lagLimit: UInt64 = 300

    /// The index of the first message that was not read yet.
    package private(set) var next: UInt64
    /// The messages before ``next`` that could not be delivered, and are to be tried again.
    package private(set) var waiting: Set<UInt64>
    /// The signed messages that were delivered.
    package var seen: ReplayCache
    /// What messages that were done with are known by, in the order of their places: the last ``denseCount`` of them,
    /// and of those before, one at each distance that is twice the one before. The oldest of all is among them.
    ///
    /// Where the chain was reorganised, the newest that still stands vouches for all before it.
    package internal(set) var fingerprints: [MessageFingerprint]
    /// The newest block that any node has shown; nil if none has.
    package private(set) var head: UInt64?

    package init(
        next: UInt64 = 0, waiting: Set<UInt64> = [], seen: ReplayCache = ReplayCache(),
        fingerprints: [MessageFingerprint] = [], head: UInt64? = nil
    ) {
        self.next = next
        self.waiting = waiting
        self.seen = seen
        self.fingerprints = fingerprints.filter { $0.index < next && !waiting.contains($0.index) }.sorted {
            $0.index < $1.index
        }
        self.head = head
        thinFingerprints()
    }

    /// Notes that a message is done with: it was delivered, or never can be.
    package mutating func finish(_ fingerprint: MessageFingerprint) {
        waiting.remove(fingerprint.index)
        next = max(next, fingerprint.index + 1)
        let place = fingerprints.firstIndex { $0.index >= fingerprint.index } ?? fingerprints.endIndex
        if place < fingerprints.endIndex, fingerprints[place].index == fingerprint.index {
            fingerprints.remove(at: place)
        }
        fingerprints.insert(fingerprint, at: place)
        thinFingerprints()
    }

    /// Notes that a message could not be delivered, and that later ones go on before it.
    ///
    /// - Returns: false if it cannot be passed over, since ``waitingLimit`` messages wait already.
    package mutating func postpone(_ index: UInt64) -> Bool {
        guard !waiting.contains(index) else { return true }
        guard waiting.count < Self.waitingLimit else { return false }
        waiting.insert(index)
        fingerprints.removeAll { $0.index == index }
        next = max(next, index + 1)
        return true
    }

    /// Forgets the outcome of the messages from an index on: others are there now.
    mutating func truncate(to count: UInt64) {
        next = min(next, count)
        waiting = waiting.filter { $0 < count }
        fingerprints.removeAll { $0.index >= count }
    }

    /// Whether nothing is left to do for the message at an index.
    func isDone(_ index: UInt64) -> Bool { index < next && !waiting.contains(index) }

    /// The places in which others stand than were done with there.
    func replaced(by found: [MessageFingerprint]) -> [UInt64] {
        let places = Set(fingerprints.map(\.index))
        return found.filter { places.contains($0.index) && !fingerprints.contains($0) }.map(\.index)
    }

    /// Whether it says the same of every message.
    func isSame(as other: InboxState) -> Bool {
        var other = other
        other.head = head
        return self == other
    }

    /// Whether a node that shows this block as its newest merely lags behind others.
    func isBehind(_ head: UInt64) -> Bool {
        guard let newest = self.head, head < newest else { return false }
        return newest - head <= Self.lagLimit
    }

    /// Notes which block a node shows as its newest.
    mutating func note(head: UInt64) { if !isBehind(head) { self.head = head } }

    /// Drops fingerprints of older messages: of each distance from the newest, as powers of 2 part them, the oldest stays.
    mutating func thinFingerprints(dense: Int = Self.denseCount) {
        guard fingerprints.count > dense, let newest = fingerprints.last?.index else { return }
        var distances: Set<Int> = []
        let older = fingerprints.dropLast(dense).filter { fingerprint in
            distances.insert(((newest - fingerprint.index) / UInt64(dense)).leadingZeroBitCount).inserted
        }
        fingerprints = older + fingerprints.suffix(dense)
    }
}

/// The document that a state is kept as:
///
///     {"version":1,"chainId":8453,"bridge":"0x…","member_id":"0x…","next":7,"waiting":[3],
///      "seen":[{"from":"0x…","message_id":"0x…"}],"digests":[{"index":6,"digest":"0x…"}],
///      "head":123}
///
/// `seen` and `digests` have the oldest first. `head` is absent if no node has shown its newest block.
struct InboxStateDocument: Equatable {
    /// The version of the document.
    static let version = JSONValue.number("1")

    /// Whose messages the state is of.
    let address: InboxAddress
    let state: InboxState

    init(_ state: InboxState, of address: InboxAddress) {
        self.address = address
        self.state = state
    }

    var json: JSONValue {
        .members([
            "version": Self.version, "chainId": .number(address.chainId),
            "bridge": .string(address.bridge.description), "member_id": .string(address.member.hex),
            "next": .number(state.next), "waiting": .array(state.waiting.sorted().map(JSONValue.number)),
            "seen": .array(
                state.seen.entries.map {
                    .members(["from": .string($0.from.hex), "message_id": .string($0.messageId.hex)])
                }),
            "digests": .array(
                state.fingerprints.map { .members(["index": .number($0.index), "digest": .string($0.digest.hex)]) }),
            "head": state.head.map(JSONValue.number),
        ])
    }

    /// - Throws: `JSONError`, also for a document that cannot have come from a state.
    init(_ object: JSONObject) throws(JSONError) {
        address = InboxAddress(
            chainId: try object.number("chainId"),
            bridge: try object.parsed("bridge", as: "an address") { text throws(PrimitiveError) in
                try Address(text)
            }, member: try object.word("member_id"))
        let next = try object.number("next")
        let waiting = try object.array("waiting").compactMap(\.index)
        guard waiting.count == (try object.array("waiting").count), Set(waiting).count == waiting.count,
            waiting.count <= InboxState.waitingLimit, waiting.allSatisfy({ $0 < next })
        else {
            throw object.illTyped(
                "waiting", expected: "\(InboxState.waitingLimit) different indices at most, below next")
        }
        let seen = try object.objects("seen").map { entry throws(JSONError) in
            ReplayCache.Entry(from: try entry.word("from"), messageId: try entry.word("message_id"))
        }
        let digests = try object.objects("digests").map { entry throws(JSONError) in
            MessageFingerprint(index: try entry.number("index"), digest: try entry.word("digest"))
        }
        let head = object["head"] == nil ? nil : try object.number("head")
        state = InboxState(
            next: next, waiting: Set(waiting), seen: ReplayCache(seen), fingerprints: digests, head: head)
    }
}

extension JSONValue {
    fileprivate var index: UInt64? { if case .number(let digits) = self { UInt64(digits) } else { nil } }
}

extension JSONObject {
    fileprivate func number(_ name: String) throws(JSONError) -> UInt64 {
        guard let number = try required(name).index else { throw illTyped(name, expected: "a whole number") }
        return number
    }

    fileprivate func word(_ name: String) throws(JSONError) -> Bytes32 {
        try parsed(name, as: "32 bytes of hex") { text throws(PrimitiveError) in try Bytes32(hex: text) }
    }

    fileprivate func objects(_ name: String) throws(JSONError) -> [JSONObject] {
        try array(name).map { value throws(JSONError) in
            guard let object = value.object else { throw illTyped(name, expected: "an array of objects") }
            return object
        }
    }
}
