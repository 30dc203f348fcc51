import BigInt
import Node
import Primitives
import TEEBridge
import Transactions

private let shortestPause = Duration.milliseconds(50)
private let longestPause = Duration.seconds(2)

/// Documents that come within this time of each other are begun together, up to so many.
private let gatherTime = Duration.milliseconds(20)
private let mostQueued = 100

/// The most records that wait for the one of an earlier request.
private let mostSlots = 1000

/// Transactions that are under way, in the order of their requests, until the outcome of each is told.
final class Flight {
    private let policy: SendPolicy
    private let journal: Journal?
    private let telling: Telling
    private let lookout: Lookout
    private let node: () throws -> Node
    private var slots: ArraySlice<Slot> = []
    private var progress = Progress()
    private var pause = shortestPause
    private var nextLook = ContinuousClock.now
    /// Whether a record means that nothing more should be sent.
    private var isStopped = false
    /// Why nothing more can be sent.
    private var failure: (any Error)?

    /// The place of a request's record.
    private enum Slot {
        case waiting(Outgoing)
        case done(SentRecord)
        /// It was never sent, for this reason.
        case failed(any Error)
    }

    init(policy: SendPolicy, journal: Journal?, telling: Telling, node: @escaping () throws -> Node) {
        self.policy = policy
        self.journal = journal
        self.telling = telling
        lookout = Lookout(confirmations: policy.confirmations)
        self.node = node
    }

    /// What is waited for.
    var waiting: [Outgoing] { slots.compactMap { if case .waiting(let outgoing) = $0 { outgoing } else { nil } } }

    /// Whether a node has all of it. What is not so may have to be handed over again, and everything behind it waits for
    /// that.
    var isAccepted: Bool { waiting.allSatisfy(\.isAccepted) }

    /// What was sent before, for those who prepare more.
    var standing: Standing {
        let waiting = waiting
        return Standing(cost: waiting.reduce(0) { $0 + $1.maxCost }, isWaiting: waiting.contains { $0.receipt == nil })
    }

    /// How many more can be sent now.
    var room: Int { slots.count < mostSlots ? max(policy.inFlight - waiting.count, 0) : 0 }

    func add(_ record: SentRecord) { slots.append(.done(record)) }

    func add(_ outgoing: Outgoing) {
        slots.append(.waiting(outgoing))
        // Of one that was taken over, nobody knows whether it was.
        if outgoing.mayBeSent, outgoing.sentAt == nil { progress.sent += 1 }
        nextLook = .now
        pause = shortestPause
    }

    /// Takes in documents, looks at what is under way, and tells the outcomes, until there is nothing left to do.
    ///
    /// - Parameters:
    ///   - begin: starts work on the first of the documents, and removes those from the queue. It is told whether they
    ///     are the last.
    ///   - tend: called after each look.
    ///   - report: gets the records, in the order of their documents.
    /// - Returns: whether all documents were taken in.
    /// - Throws: what `begin` and `feed` throw, once everything that was sent has been told; what `report` throws.
    func run<Document>(
        _ feed: Feed<Document>, begin: (inout ArraySlice<Document>, _ isLast: Bool) throws -> Void,
        tend: () -> Void = {}, report: (SentRecord) throws -> Void
    ) throws -> Bool {
        var intake = Intake(feed)
        while true {
            let stops = feed.stops()
            do {
                if stops == 0, failure == nil, !isStopped {
                    try intake.fill(waits: waiting.isEmpty)
                    if !intake.queue.isEmpty, room > 0 { try begin(&intake.queue, intake.isEnded) }
                }
            } catch { failure = error }
            advance(isLast: stops > 1)
            tend()
            try tell(report)
            let takesIn = stops == 0 && failure == nil && !isStopped && !intake.isExhausted
            guard takesIn || !slots.isEmpty else { break }
            rest(intake, takesIn: takesIn)
        }
        if let failure { throw failure }
        return intake.isExhausted
    }

    /// What is taken in.
    private struct Intake<Document> {
        let feed: Feed<Document>
        var queue: ArraySlice<Document> = []
        private(set) var isEnded = false

        init(_ feed: Feed<Document>) { self.feed = feed }

        /// Whether nothing is left, and nothing will come.
        var isExhausted: Bool { isEnded && queue.isEmpty }

        /// Reads what has come, if there is nothing left.
        ///
        /// - Parameter waits: whether to wait until something comes.
        mutating func fill(waits: Bool) throws {
            guard !isEnded, queue.isEmpty, feed.wait(waits ? nil : .zero, true) else { return }
            repeat {
                if let documents = try feed.read() { queue += documents } else { isEnded = true }
            } while !isEnded && queue.count < mostQueued && feed.wait(gatherTime, true)
        }
    }

    /// Tells the outcomes that are known, up to the first that is not.
    private func tell(_ report: (SentRecord) throws -> Void) throws {
        defer {
            progress.waiting = waiting.count
            telling.progress(progress)
        }
        while let slot = slots.first {
            switch slot {
            case .waiting: return
            case .done(let record):
                isStopped = isStopped || record.endsRun
                slots.removeFirst()
                try report(record)
            case .failed(let error):
                failure = failure ?? error
                slots.removeFirst()
            }
        }
    }

    /// Waits until there is something to do.
    private func rest<Document>(_ intake: Intake<Document>, takesIn: Bool) {
        // What is in the queue waits for somebody else's lock, or for what is under way.
        let isBusy = takesIn && !intake.queue.isEmpty && room > 0
        guard !waiting.isEmpty || isBusy else { return }
        let time = waiting.isEmpty ? shortestPause : max(nextLook - ContinuousClock.now, .zero)
        _ = intake.feed.wait(isBusy ? min(time, shortestPause) : time, takesIn && intake.queue.isEmpty && room > 0)
    }

    /// Looks at what is waited for, if it is time to.
    ///
    /// - Parameter isLast: whether this is the end, and what is not known now is told as pending.
    private func advance(isLast: Bool) {
        giveUp { $0.isRefused }
        if let node = try? node() { settle(node) }
        let waiting = waiting
        guard !waiting.isEmpty, ContinuousClock.now >= nextLook || isLast else { return }
        let isMoved = look(at: waiting)
        giveUp { isLast || $0.isRefused || ContinuousClock.now >= $0.deadline }
        pause = isMoved ? shortestPause : min(pause * 1.5, longestPause)
        nextLook = .now + pause
    }

    /// - Returns: whether the outcome of anything has become known.
    private func look(at waiting: [Outgoing]) -> Bool {
        guard let node = try? node() else { return false }
        let forgotten = lookout.look(at: waiting, asking: node)
        handOver(forgotten, to: node)
        return settle(node)
    }

    /// Notes the outcomes that are known.
    ///
    /// - Returns: whether there is any.
    @discardableResult
    private func settle(_ node: Node) -> Bool {
        var isMoved = false
        for (index, slot) in zip(slots.indices, slots) {
            guard case .waiting(let outgoing) = slot else { continue }
            if let record = lookout.outcome(of: outgoing, asking: node) {
                finish(outgoing, record, at: index)
                isMoved = true
            } else if policy.isAsynchronous, outgoing.isAccepted {
                var record = outgoing.pendingRecord
                record.doubt = nil
                slots[index] = .done(record)
                isMoved = true
            }
        }
        return isMoved
    }

    private func finish(_ outgoing: Outgoing, _ record: SentRecord, at index: Int) {
        if let name = outgoing.name, let journal {
            do { try journal.note(record.json(decoding: TEEBridge.answers), for: name) } catch {
                telling.warning("\(error): the outcome is not in the journal, and will be looked for again")
            }
        }
        if let receipt = record.receipt {
            let fee = BigUInt(receipt.gasUsed) * (receipt.effectiveGasPrice?.value ?? 0)
            progress.fee = (try? Quantity(progress.fee.value + fee)) ?? progress.fee
        }
        progress.done += 1
        slots[index] = .done(record)
    }

    /// Tells of those that are not waited for any longer what is known of them.
    private func giveUp(where isOver: (Outgoing) -> Bool) {
        for (index, slot) in zip(slots.indices, slots) {
            guard case .waiting(let outgoing) = slot, isOver(outgoing) else { continue }
            if !outgoing.mayBeSent, let reason = outgoing.refusal {
                if outgoing.isRefused { forget(outgoing) }
                slots[index] = .failed(reason)
            } else {
                slots[index] = .done(outgoing.pendingRecord)
            }
        }
    }

    /// Has another run sign anew what a node has refused for good.
    private func forget(_ outgoing: Outgoing) {
        guard let name = outgoing.name, let signed = outgoing.signed else { return }
        do { try journal?.noteRefusal(of: signed, for: name) } catch { telling.warning("\(error)") }
    }

    /// Hands transactions to the node, for the first time or again, and notes what it said.
    ///
    /// - Parameter waits: whether the node is asked to answer once the transaction is in a block, if it is one alone.
    /// - Returns: what it said to each.
    @discardableResult
    func handOver(_ transactions: [Outgoing], waits: Bool = false, to node: Node) -> [Submission] {
        let ready = transactions.compactMap { outgoing in outgoing.signed.map { (outgoing, $0) } }
            .filter { outgoing, _ in outgoing.sentAt.map { ContinuousClock.now - $0 > .milliseconds(500) } ?? true }
        guard !ready.isEmpty else { return [] }
        let signed = ready.map(\.1)
        var submissions = Submission.submit(signed, waits: waits, to: node)
        // What may have been sent before is looked for anyway; of anything else a refusal must be sure.
        if ready.contains(where: { !$0.0.mayBeSent }) {
            submissions = Submission.checked(submissions, of: signed, asking: node)
        }
        for ((outgoing, _), submission) in zip(ready, submissions) {
            let wasSent = outgoing.mayBeSent
            outgoing.note(submission)
            if outgoing.mayBeSent, !wasSent { progress.sent += 1 }
        }
        telling.progress(progress)
        return submissions
    }
}
