package import BridgeClient

/// One poll of an inbox, as a state machine: ``step`` is what to do next, and a method takes what came of it.
///
/// An inbox only grows, so where a message still stands that was read, all before it do. The newest that still stands
/// is searched for, and what is behind it is read. A message is done with only once it was delivered, and if another
/// one was in its place, all behind that one is read again.
package struct InboxReading: Hashable, Sendable {
    /// What is to be done next.
    package enum Step: Hashable, Sendable {
        /// Ask how many messages there are, and what stands in the place of that one.
        case poll(for: MessageFingerprint?, beyond: UInt64)
        /// Read these messages, or the first of them, from a chain in which that message stands.
        case read([UInt64], after: MessageFingerprint?)
        /// Deliver this message, or say why it cannot be.
        case deliver(MessageFingerprint)
        /// Nothing.
        case done(End)
    }

    /// How a poll ended.
    package enum End: Hashable, Sendable {
        /// All there is was read.
        case complete
        /// The node merely lags behind others: nothing was done.
        case behind
        /// There are more messages than are read in one poll.
        case limited
        /// A message must be delivered before those after it.
        case blocked
    }

    /// What came of a delivery.
    package enum Outcome: Hashable, Sendable {
        /// It was delivered, or it never can be.
        case delivered
        /// It was not taken, and waits while later ones go on.
        case postponed
        /// It was not taken, and is to be tried again before any later one.
        case refused
    }

    /// What has become of the messages; to be kept before anything more is delivered.
    package internal(set) var state: InboxState
    /// What is to be done next.
    package private(set) var step: Step

    private static let batchSize = 80
    private let triesWaiting, forgetsVanished: Bool
    private let turn: UInt64
    /// How many messages may still be read in this poll.
    private var allowance: UInt64
    /// How many of the state's fingerprints stand, at least and at most, as far as is known.
    private var standing = 0, candidates: Int
    /// From here on it is not known of messages that were read whether they still stand.
    private var doubtful: UInt64 = 0
    /// Whether more messages wait than are tried in this poll.
    private var leavesWaiting = false
    /// Those that are to be read again, and the range of the others.
    private var queue: [UInt64] = [], position: UInt64 = 0, count: UInt64 = 0
    private var lastRead: MessageFingerprint?
    /// Those that were read, and are to be delivered.
    private var pending: [MessageFingerprint] = []

    /// - Parameters:
    ///   - triesWaiting: whether messages are tried again that could not be delivered before.
    ///   - forgetsVanished: whether a message that no longer stands is new if it comes back.
    ///   - turn: another number for each poll: whose turn it is where not all messages can be read.
    package init(
        _ state: InboxState, triesWaiting: Bool, maxMessages: UInt64, forgetsVanished: Bool = false, turn: UInt64 = 0
    ) {
        (self.state, self.triesWaiting, self.forgetsVanished) = (state, triesWaiting, forgetsVanished)
        (self.turn, allowance, candidates) = (turn, maxMessages, state.fingerprints.count)
        step = .poll(for: state.fingerprints.last, beyond: state.next)
    }

    /// How many messages are still to be read, as far as is known.
    package var remaining: UInt64 { UInt64(queue.count) + (count - min(position, count)) }

    /// Takes the answer to ``Step/poll(for:beyond:)``. The newest message that stands is found by bisection; since answers
    /// may be of different chains, the one that is read on from stood in the last of them.
    package mutating func polled(count: UInt64, found: MessageFingerprint?, head: UInt64) {
        guard case .poll(let asked, let known) = step else { return }
        if count < known, state.isBehind(head) { return step = .done(.behind) }
        state.note(head: head)
        guard let asked, let place = state.fingerprints.firstIndex(of: asked) else { return begin(after: nil, count) }
        if asked == found, asked.index < count {
            standing = place + 1
            if standing == candidates { return begin(after: asked, count) }
        } else {
            (candidates, standing) = (place, min(standing, place))
        }
        let older = state.fingerprints.prefix(standing < candidates ? (standing + candidates) / 2 + 1 : standing).last
        step = .poll(for: older, beyond: older.map { $0.index + 1 } ?? 0)
    }

    /// Takes the fingerprints of the first of the messages that ``Step/read(_:after:)`` asks for.
    package mutating func read(_ fingerprints: [MessageFingerprint]) {
        for fingerprint in fingerprints {
            allowance -= min(allowance, 1)
            if queue.first == fingerprint.index {
                queue.removeFirst()
            } else {
                (position, lastRead) = (fingerprint.index + 1, fingerprint)
            }
            if !state.fingerprints.contains(fingerprint) { pending.append(fingerprint) }
        }
        goOn()
    }

    /// Takes what came of ``Step/deliver(_:)``.
    package mutating func resolve(_ outcome: Outcome) {
        guard let fingerprint = pending.first, outcome != .refused else { return step = .done(.blocked) }
        pending.removeFirst()
        if doubtful <= fingerprint.index { state.truncate(to: fingerprint.index) }
        if outcome == .delivered {
            state.finish(fingerprint)
        } else if !state.postpone(fingerprint.index) {
            return step = .done(.blocked)
        }
        goOn()
    }

    /// Decides what to read after the newest message that still stands.
    private mutating func begin(after fingerprint: MessageFingerprint?, _ count: UInt64) {
        (self.count, lastRead) = (count, fingerprint)
        // Without any fingerprint, as old states may be, nothing can be doubted.
        let first = fingerprint.map { $0.index + 1 } ?? (state.fingerprints.isEmpty ? state.next : 0)
        // What waits has none, and is read anyway.
        let unvouched = state.next - min(first, state.next) > UInt64(state.waiting.count { $0 >= first })
        doubtful = unvouched ? first : state.next
        if forgetsVanished { state.truncate(to: doubtful) }
        position = doubtful
        // What waits leaves room for new messages: each kind gets half of it if it needs that, and where not all that
        // wait can be tried, others are at each turn.
        let waiting = triesWaiting ? state.waiting.filter { $0 < min(doubtful, count) }.sorted() : []
        let half = allowance / 2 + (allowance & turn & 1)
        let share = Int(clamping: max(half, allowance - min(allowance, count - min(position, count))))
        leavesWaiting = waiting.count > share
        let start = leavesWaiting ? Int(clamping: turn / 2 % UInt64(waiting.count)) : 0
        queue = (waiting.dropFirst(start) + waiting.prefix(start)).prefix(share).sorted()
        goOn()
    }

    private mutating func goOn() {
        if let first = pending.first { return step = .deliver(first) }
        var indices = queue.prefix(Self.batchSize)
        let room = UInt64(Self.batchSize - indices.count)
        if position < count { indices += position..<(position + min(room, count - position)) }
        guard !indices.isEmpty else { return step = .done(leavesWaiting ? .limited : .complete) }
        indices = indices.prefix(Int(clamping: allowance))
        step = indices.isEmpty ? .done(.limited) : .read(Array(indices), after: lastRead)
    }
}
