package import BridgeClient

/// One look at an inbox, as a state machine: it says what to do next, and is told what came of it. It does nothing
/// itself, so that tests can walk through all that may happen.
///
/// It stands on one fact: an inbox only grows, so where a message still stands that was read, all before it stand as
/// well. So the newest message that still stands is looked for, and what is behind it is read. A message is done with
/// only once it was delivered, and if another one was in its place, all behind that one is read again.
package struct InboxReading: Hashable, Sendable {
    /// What is to be done next.
    package enum Step: Hashable, Sendable {
        /// Look how many messages there are, and what stands in the place of that one: see `BridgeReader`.
        case look(for: MessageFingerprint?, beyond: UInt64)
        /// Read these messages, or the first of them, from a chain in which that message stands.
        case read([UInt64], after: MessageFingerprint?)
        /// Deliver the message with this mark, or tell why it cannot be: where `isReplacement`, another was read in its
        /// place.
        case deliver(MessageFingerprint, isReplacement: Bool)
        /// Nothing.
        case done(End)
    }

    /// How a look ended.
    package enum End: Hashable, Sendable {
        /// All there is was read.
        case complete
        /// The node merely lags behind others: nothing was done.
        case behind
        /// There are more messages than are read in one look.
        case limited
        /// A message must be delivered before those after it.
        case blocked
    }

    /// What came of a step.
    package enum Observation: Hashable, Sendable {
        /// Of a look: how many messages there are, what stands in the mark's place, and the newest block of the node.
        case snapshot(count: UInt64, mark: MessageFingerprint?, head: UInt64)
        /// Of reading: the marks of the messages that were read, which are the first of those asked for.
        case entries([MessageFingerprint])
        /// Of a delivery.
        case delivery(Outcome)
    }

    /// What came of a delivery.
    package enum Outcome: Hashable, Sendable {
        /// It was delivered, or it was told that it never can be.
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
    /// How many messages there are, if that is fewer than were read: the chain was reorganised.
    package private(set) var shortCount: UInt64?

    /// The number of messages requested at once.
    private static let batchSize = 80

    private let triesWaiting: Bool
    private let forgetsVanished: Bool
    private var isFirstLook = true
    /// How many messages may still be read in this look.
    private var allowance: UInt64
    /// From here on it is not known of messages that were read whether they still stand.
    private var doubtful: UInt64 = 0
    private var queue: [UInt64] = []
    private var position: UInt64 = 0
    private var count: UInt64 = 0
    private var lastRead: MessageFingerprint?
    private var pending: [Pending] = []

    private struct Pending: Hashable {
        let mark: MessageFingerprint
        let isReplacement: Bool
    }

    /// - Parameters:
    ///   - state: the outcome of the messages so far.
    ///   - triesWaiting: whether messages are tried again that could not be delivered before.
    ///   - maxMessages: how many messages are read at most.
    ///   - forgetsVanished: whether a message that no longer stands is forgotten at once, so that it is new if it
    ///     comes back.
    package init(_ state: InboxState, triesWaiting: Bool, maxMessages: UInt64, forgetsVanished: Bool = false) {
        self.state = state
        self.triesWaiting = triesWaiting
        self.forgetsVanished = forgetsVanished
        allowance = maxMessages
        step = .look(for: state.marks.last, beyond: state.next)
    }

    /// How many messages are still to be read, as far as is known.
    package var remaining: UInt64 { UInt64(queue.count) + (count - min(position, count)) }

    /// Goes on from what came of ``step``.
    package mutating func advance(_ observation: Observation) {
        switch (step, observation) {
        case (.look(let mark, let known), .snapshot(let count, let found, let head)):
            step = look(for: mark, beyond: known, count: count, found, head: head)
        case (.read, .entries(let marks)):
            for mark in marks { accept(mark) }
            step = following()
        case (.deliver, .delivery(let outcome)):
            step = finishFirst(outcome) ? following() : .done(.blocked)
        default: preconditionFailure("an observation of another step")
        }
    }

    private mutating func look(
        for mark: MessageFingerprint?, beyond known: UInt64, count: UInt64, _ found: MessageFingerprint?, head: UInt64
    ) -> Step {
        if count < known, state.isBehind(head) { return .done(.behind) }
        state.note(head: head)
        if isFirstLook, mark != nil, count < state.next { shortCount = count }
        isFirstLook = false
        if let mark, mark != found || mark.index >= count {
            let older = state.marks.last { $0.index < min(mark.index, count) }
            return .look(for: older, beyond: older.map { $0.index + 1 } ?? 0)
        }
        begin(after: mark, count: count)
        return following()
    }

    /// Decides what to read after the newest message that is still in place.
    private mutating func begin(after mark: MessageFingerprint?, count: UInt64) {
        self.count = count
        lastRead = mark
        // Without any mark, as old states may be, nothing can be doubted.
        let first = mark.map { $0.index + 1 } ?? (state.marks.isEmpty ? state.next : 0)
        // What waits has no mark, and is read anyway.
        let unvouched = state.next - min(first, state.next) > UInt64(state.waiting.count { $0 >= first })
        doubtful = unvouched ? first : state.next
        if forgetsVanished { state.truncate(to: doubtful) }
        position = doubtful
        if triesWaiting { queue = state.waiting.filter { $0 < min(doubtful, count) }.sorted() }
    }

    /// Takes note of a message that was read: it is to be delivered unless it was, or was told to be none.
    private mutating func accept(_ mark: MessageFingerprint) {
        allowance -= min(allowance, 1)
        if queue.first == mark.index {
            queue.removeFirst()
        } else {
            position = mark.index + 1
            lastRead = mark
        }
        let known = state.marks.first { $0.index == mark.index }
        if known != mark { pending.append(Pending(mark: mark, isReplacement: known != nil)) }
    }

    /// - Returns: whether the poll continues.
    private mutating func finishFirst(_ outcome: Outcome) -> Bool {
        guard let mark = pending.first?.mark, outcome != .refused else { return false }
        pending.removeFirst()
        if (doubtful..<max(doubtful, state.next)).contains(mark.index) { state.truncate(to: mark.index) }
        if outcome == .postponed { return state.postpone(mark.index) }
        state.finish(mark)
        return true
    }

    private func following() -> Step {
        if let first = pending.first { return .deliver(first.mark, isReplacement: first.isReplacement) }
        var indices = queue.prefix(Self.batchSize)
        let room = UInt64(Self.batchSize - indices.count)
        if position < count { indices += position..<(position + min(room, count - position)) }
        guard !indices.isEmpty else { return .done(.complete) }
        indices = indices.prefix(Int(clamping: allowance))
        return indices.isEmpty ? .done(.limited) : .read(Array(indices), after: lastRead)
    }
}
