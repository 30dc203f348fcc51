import BigInt
import Node
import Primitives
import TEEBridge
import Transactions

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

    private static let shortestPause = Duration.milliseconds(50)
    private static let longestPause = Duration.seconds(2)

    /// Documents that come within this time of each other are begun together, up to so many.
    private static let gatherTime = Duration.milliseconds(20)
    private static let mostQueued = 100

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

    /// Whether more can be sent now.
    var room: Int { max(policy.inFlight - waiting.count, 0) }

    func add(_ record: SentRecord) { slots.append(.done(record)) }

    func add(_ outgoing: Outgoing) {
        slots.append(.waiting(outgoing))
        // Of one that was taken over, nobody knows whether it was.
        if outgoing.mayBeSent, outgoing.sentAt == nil { progress.sent += 1 }
        nextLook = .now
        pause = Self.shortestPause
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
        tend: () -> Void = {},
        report: (SentRecord) throws -> Void
    ) throws -> Bool {
        var queue: ArraySlice<Document> = []
        var isEnded = false
        var isStopped = false
        var failure: (any Error)?
        while true {
            let stops = feed.stops()
            let takesIn = !isStopped && stops == 0
            do {
                if takesIn, !isEnded, queue.isEmpty, feed.wait(waiting.isEmpty ? nil : .zero, true) {
                    repeat {
                        if let documents = try feed.read() { queue += documents } else { isEnded = true }
                    } while !isEnded && queue.count < Self.mostQueued && feed.wait(Self.gatherTime, true)
                }
                if takesIn, !queue.isEmpty, room > 0 { try begin(&queue, isEnded) }
            } catch {
                failure = error
                isStopped = true
            }
            advance(isLast: stops > 1)
            tend()
            while let slot = slots.first {
                if case .waiting = slot { break }
                slots.removeFirst()
                switch slot {
                case .done(let record):
                    isStopped = isStopped || record.endsRun
                    try report(record)
                case .failed(let error):
                    failure = failure ?? error
                    isStopped = true
                case .waiting: break
                }
            }
            progress.waiting = waiting.count
            telling.progress(progress)
            let isIdle = slots.isEmpty && (isStopped || stops > 0 || (isEnded && queue.isEmpty))
            guard !isIdle else { break }
            rest(feed, takesIn: takesIn && !isEnded && queue.isEmpty, isBusy: takesIn && !queue.isEmpty)
        }
        if let failure { throw failure }
        return isEnded && queue.isEmpty
    }

    /// Waits until there is something to do.
    private func rest<Document>(_ feed: Feed<Document>, takesIn: Bool, isBusy: Bool) {
        if waiting.isEmpty {
            // With nothing under way, the queue waits for somebody else's lock, or the input is waited for above.
            if isBusy { _ = feed.wait(Self.shortestPause, false) }
            return
        }
        let time = nextLook - ContinuousClock.now
        if time > .zero { _ = feed.wait(isBusy && room > 0 ? min(time, Self.shortestPause) : time, takesIn && room > 0) }
    }

    /// Looks at what is waited for, if it is time to.
    ///
    /// - Parameter isLast: whether this is the end, and what is not known now is told as pending.
    private func advance(isLast: Bool) {
        let waiting = waiting
        guard !waiting.isEmpty, ContinuousClock.now >= nextLook || isLast else { return }
        let isMoved = look(at: waiting)
        for (index, slot) in zip(slots.indices, slots) {
            guard case .waiting(let outgoing) = slot else { continue }
            if isLast || outgoing.isRefused || ContinuousClock.now >= outgoing.deadline {
                slots[index] = givenUp(outgoing)
            }
        }
        pause = isMoved ? Self.shortestPause : min(pause * 1.5, Self.longestPause)
        nextLook = .now + pause
    }

    /// - Returns: whether the outcome of anything has become known.
    private func look(at waiting: [Outgoing]) -> Bool {
        guard let node = try? node() else { return false }
        let forgotten = lookout.look(at: waiting, asking: node)
        handOver(forgotten, to: node)
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

    private func givenUp(_ outgoing: Outgoing) -> Slot {
        guard !outgoing.mayBeSent, let reason = outgoing.refusal else { return .done(outgoing.pendingRecord) }
        return .failed(reason)
    }

    /// Hands transactions to the node, for the first time or again, and notes what it said.
    ///
    /// - Parameter waits: whether the node is asked to answer once the last of them is in a block.
    /// - Returns: what it said to each.
    @discardableResult
    func handOver(_ transactions: [Outgoing], waits: Bool = false, to node: Node) -> [Submission] {
        let ready = transactions.compactMap { outgoing in outgoing.signed.map { (outgoing, $0) } }
            .filter { outgoing, _ in outgoing.sentAt.map { ContinuousClock.now - $0 > .milliseconds(500) } ?? true }
        guard !ready.isEmpty else { return [] }
        let submissions = Submission.submit(ready.map(\.1), waits: waits, to: node)
        for ((outgoing, _), submission) in zip(ready, submissions) {
            let wasSent = outgoing.mayBeSent
            outgoing.note(submission)
            if outgoing.mayBeSent, !wasSent { progress.sent += 1 }
        }
        telling.progress(progress)
        return submissions
    }
}
