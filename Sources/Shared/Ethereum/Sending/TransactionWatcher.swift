import ABI
import BigInt
import EthereumNode
import Failures
import JSON
import Preparation
import Primitives
import Transactions

/// Transactions in flight, in the order of their requests, until the outcome of each is reported.
final class TransactionWatcher {
    private let policy: SendPolicy
    private let journal: Journal?
    private let observer: (any SendObserver)?
    private let node: LazyNode
    private var slots: ArraySlice<Slot> = []
    private var progress = Progress()
    private var pause = shortestPause
    private var nextPoll = ContinuousClock.now
    /// Whether a record means that nothing more should be sent.
    private var isStopped = false
    /// Why nothing more can be sent.
    private var failure: (any Error)?

    private static let shortestPause = Duration.milliseconds(50)
    private static let longestPause = Duration.seconds(2)
    /// The most records that wait for the one of an earlier request.
    private static let mostSlots = 1000

    /// The place of a request's record.
    private enum Slot {
        case waiting(PendingTransaction)
        case done(SentRecord)
        /// It is to be signed again; its request is back in the queue once `isQueued`.
        case returned(PendingTransaction, isQueued: Bool)
        /// It was never sent, for this reason.
        case failed(any Error)
    }

    init(policy: SendPolicy, journal: Journal?, observer: (any SendObserver)?, node: LazyNode) {
        (self.policy, self.journal, self.observer, self.node) = (policy, journal, observer, node)
    }

    /// What is waited for.
    var waiting: [PendingTransaction] {
        slots.compactMap { if case .waiting(let pending) = $0 { pending } else { nil } }
    }

    /// Whether the nonce of every transaction in flight is claimed, so that another may be signed on top of them.
    var hasClaims: Bool { waiting.allSatisfy(\.state.hasClaim) }

    /// Whether nothing more may be signed.
    var isOver: Bool { isStopped || failure != nil }

    /// How many more can be sent now.
    var room: Int { slots.count < Self.mostSlots ? max(policy.inFlight - waiting.count, 0) : 0 }

    /// What was sent before, for those who prepare more.
    func usage(leastNonce: UInt64) -> AccountUsage {
        let waiting = waiting
        return AccountUsage(
            leastNonce: leastNonce, cost: waiting.reduce(0) { $0 + $1.maxCost },
            isWaiting: waiting.contains { $0.receipt == nil })
    }

    func add(_ record: SentRecord) {
        isStopped = isStopped || record.endsRun
        place(.done(record))
    }

    func add(_ pending: PendingTransaction) {
        place(.waiting(pending))
        // Whether one from an earlier run was sent is not known.
        if pending.isResumed, pending.state.mayBeMined { progress.sent += 1 }
        pollSoon()
        observer?.progress(progress)
    }

    /// A transaction that is signed again keeps its place.
    private func place(_ slot: Slot) {
        let index = slots.firstIndex { if case .returned = $0 { true } else { false } }
        if let index { slots[index] = slot } else { slots.append(slot) }
    }

    /// Takes the requests whose transactions were lost or rejected, and must be signed again, in their order.
    func takeReturned() -> [PendingTransaction] {
        slots.indices.compactMap { index in
            guard case .returned(let pending, isQueued: false) = slots[index] else { return nil }
            slots[index] = .returned(pending, isQueued: true)
            return pending
        }
    }

    private func pollSoon() { (nextPoll, pause) = (.now, Self.shortestPause) }

    /// Accepts documents, watches transactions in flight, and reports outcomes, until nothing is left to do.
    ///
    /// - Parameters:
    ///   - begin: starts work on the first of the documents, and removes those from the queue; called again and again,
    ///     also with none. Its argument says whether more may be started.
    ///   - report: gets the records, in the order of their documents.
    /// - Returns: whether all documents were accepted.
    /// - Throws: what `begin` and the stream throw, once everything that was sent has been told; what `report` throws.
    func run<Document>(
        _ stream: any RequestStream<Document>, begin: (inout RequestQueue<Document>, _ mayBegin: Bool) throws -> Void,
        report: (SentRecord) throws -> Void
    ) throws -> Bool {
        var queue = RequestQueue(stream)
        while true {
            var takesIn: Bool { stream.stopCount == 0 && !isOver }
            do {
                if takesIn { try queue.fill(waits: slots.isEmpty) }
                try begin(&queue, takesIn)
            } catch { failure = failure ?? error }
            advance(isLast: stream.stopCount > 1)
            // Requests that are not signed again stay in the queue.
            if !takesIn { slots.removeAll { if case .returned(_, isQueued: true) = $0 { true } else { false } } }
            try tell(report)
            guard (takesIn && !queue.isExhausted) || !slots.isEmpty else { break }
            rest(stream, isBusy: takesIn && !queue.documents.isEmpty, takesIn: takesIn && !queue.isEnded)
        }
        if let failure { throw failure }
        return queue.isExhausted
    }

    /// Tells the outcomes that are known, up to the first that is not.
    private func tell(_ report: (SentRecord) throws -> Void) throws {
        defer {
            progress.waiting = waiting.count
            observer?.progress(progress)
        }
        while let slot = slots.first {
            switch slot {
            case .waiting, .returned: return
            case .done(let record):
                slots.removeFirst()
                try report(record)
            case .failed(let error):
                failure = failure ?? error
                slots.removeFirst()
            }
        }
    }

    /// Waits until there is something to do.
    ///
    /// - Parameter isBusy: whether a document waits for something that comes without a sign: another run's lock, say.
    private func rest<Document>(_ stream: any RequestStream<Document>, isBusy: Bool, takesIn: Bool) {
        let isBusy = isBusy && room > 0
        let hasReturned = slots.contains { if case .returned(_, isQueued: false) = $0 { true } else { false } }
        guard !hasReturned, !waiting.isEmpty || isBusy else { return }
        let wake = ([nextPoll] + waiting.map(\.deadline)).min() ?? .now
        let time = waiting.isEmpty ? Self.shortestPause : max(wake - .now, .zero)
        _ = stream.wait(isBusy ? min(time, Self.shortestPause) : time, forInput: takesIn && !isBusy && room > 0)
    }

    /// Polls when it is time, and gives up on what has waited too long.
    ///
    /// - Parameter isLast: whether this is the end, so that open outcomes are reported as pending.
    private func advance(isLast: Bool) {
        let deadline = waiting.map(\.deadline).min() ?? .now
        if !waiting.isEmpty, .now >= min(nextPoll, deadline) || isLast {
            let isMoved = poll()
            pause = isMoved ? Self.shortestPause : min(pause * 1.5, Self.longestPause)
            nextPoll = .now + pause
        }
        for slot in slots {
            guard case .waiting(let pending) = slot else { continue }
            let isUnsent = pending.failure != nil && !pending.state.mayBeMined
            guard isLast || .now >= pending.deadline || (isOver && isUnsent) else { continue }
            if isUnsent, let failure = pending.failure {
                settle(pending, .failed(failure))
            } else {
                settle(pending, .done(pending.pendingRecord))
            }
        }
    }
}

// Handing over

extension TransactionWatcher {
    /// Sends a transaction to the node, for the first time or again, and records the answer.
    ///
    /// - Parameter waits: whether the node is asked to answer once the transaction is in a block.
    func handOver(_ pending: PendingTransaction, waits: Bool = false) throws -> SubmitResult? {
        guard pending.mayBeHandedOver, let signed = pending.signed else { return nil }
        let node = try node.get()
        let before = node.deadline
        node.deadline = pending.deadline
        defer { node.deadline = before }
        let result = SubmitResult(of: signed.raw, hash: signed.hash, waits: waits, from: node)
        if case .doesNotWait = result { return result }
        pending.sentAt = .now
        note(result, of: pending)
        if policy.isAsynchronous, pending.state.hasClaim { tellAccepted(pending) }
        pollSoon()
        observer?.progress(progress)
        return result
    }

    private func note(_ result: SubmitResult, of pending: PendingTransaction) {
        let isFirst = !pending.state.mayBeMined
        func answered(_ answer: TransactionState.Answer) { _ = observe(.answered(answer), of: pending) }
        switch result {
        case .accepted: answered(.accepted)
        case .mined(let receipt):
            answered(.accepted)
            see(pending, .init(head: receipt.blockNumber, block: receipt.blockNumber, isOvertaken: true), receipt)
        case .doubtful(let reason):
            answered(.doubtful)
            pending.doubt = reason
            guard isFirst, let hash = pending.newest?.hash else { return }
            observer?.warning("it is not known whether \(hash) was accepted: \(reason)")
        case .nonceTaken(let message):
            answered(.nonceTaken)
            pending.doubt = "another transaction may have its nonce: the node says \(message.quoted(limit: 200))"
        case .postponed(let error):
            answered(.postponed)
            pending.failure = error
        case .rejected(let error):
            answered(.rejected)
            if case .response(_, let message, _) = error {
                pending.failure = SendError.rejected(message: message)
            } else {
                pending.failure = error
            }
            if pending.state.mayBeMined { pending.doubt = error.description }
        case .doesNotWait: break
        }
    }

    private func tellAccepted(_ pending: PendingTransaction) {
        var record = pending.pendingRecord
        record.doubt = nil
        settle(pending, .done(record))
    }

    private func settle(_ pending: PendingTransaction, _ outcome: Slot) {
        let index = slots.firstIndex { if case .waiting(let each) = $0 { each === pending } else { false } }
        guard let index else { return }
        slots[index] = outcome
        switch outcome {
        case .done(let record): isStopped = isStopped || record.endsRun
        case .failed(let error): failure = failure ?? error
        case .waiting, .returned: break
        }
    }

    private func observe(
        _ observation: TransactionState.Observation, of pending: PendingTransaction
    ) -> TransactionState.Step {
        let wasSent = pending.state.mayBeMined
        let step = pending.state.observe(observation, confirmations: policy.confirmations)
        if pending.state.mayBeMined, !wasSent { progress.sent += 1 }
        return step
    }
}

// Watching

extension TransactionWatcher {
    /// The places of the questions about one transaction.
    private struct Tickets {
        var receipts: [NodeBatch.Ticket<Receipt?>]
        var isKnown: NodeBatch.Ticket<Bool>?
        var count: NodeBatch.Ticket<UInt64>?
    }

    /// Polls everything in flight with one request, and acts on the result. A node that fails is a state
    /// too: the transactions are sent, and are asked about again.
    ///
    /// - Returns: whether any outcome has become known.
    private func poll() -> Bool {
        let (before, waiting) = (waiting.count, waiting)
        guard let node = try? node.get() else { return false }
        node.deadline = waiting.map(\.deadline).min()
        defer { node.deadline = nil }
        var batch = NodeBatch()
        let headTicket = batch.add(.blockNumber)
        var counts: [Address: NodeBatch.Ticket<UInt64>] = [:]
        let tickets = waiting.map { pending in
            var tickets = Tickets(receipts: pending.versions.map { batch.add(.receipt(of: $0.hash)) })
            if let newest = pending.newest, pending.mayBeForgotten { tickets.isKnown = batch.add(.knows(newest.hash)) }
            if let sender = pending.signed?.sender {
                let ticket = counts[sender] ?? batch.add(.transactionCount(of: sender, at: .latest))
                counts[sender] = ticket
                tickets.count = ticket
            }
            return tickets
        }
        do throws(NodeError) {
            let answers = try node.ask(batch, patience: .zero)
            let head = try answers.answer(to: headTicket)
            for (pending, tickets) in zip(waiting, tickets) {
                do throws(NodeError) { try note(answers, tickets, head, of: pending) } catch {
                    pending.doubt = error.description
                }
            }
        } catch {
            for pending in waiting { pending.doubt = error.description }
        }
        return self.waiting.count < before
    }

    private func note(
        _ answers: NodeAnswers, _ tickets: Tickets, _ head: UInt64, of pending: PendingTransaction
    ) throws(NodeError) {
        var receipt: Receipt?
        for (version, ticket) in zip(pending.versions, tickets.receipts) where receipt == nil {
            guard let found = try answers.answer(to: ticket) else { continue }
            guard found.transactionHash == version.hash else {
                pending.doubt = "the node returned the receipt of another transaction, \(found.transactionHash)"
                return
            }
            receipt = found
        }
        var poll = TransactionState.Poll(head: head, block: receipt?.blockNumber, isOvertaken: false)
        if let ticket = tickets.count, let nonce = pending.nonce {
            poll.isOvertaken = try answers.answer(to: ticket) > nonce
        }
        if let ticket = tickets.isKnown {
            poll.isKnown = try answers.answer(to: ticket)
            pending.askedAt = .now
        }
        see(pending, poll, receipt)
    }

    /// Records a transaction's state, and acts on it.
    private func see(_ pending: PendingTransaction, _ poll: TransactionState.Poll, _ receipt: Receipt?) {
        pending.receipt = receipt
        let step = observe(.polled(poll), of: pending)
        switch pending.state {
        case .mined(let depth):
            pending.doubt =
                "it is in block \(poll.block ?? 0), with \(depth) of \(policy.confirmations) confirmations"
        case .offered(.accepted): pending.doubt = "it is not in a block yet"
        case .overtaken: pending.doubt = "its nonce is used, and no node shows which transaction used it"
        case .replaced(let block, _, _): pending.doubt = "another transaction used its nonce, in block \(block)"
        case .signed, .offered, .rejected: break
        }
        follow(step, pending, head: poll.head)
        if policy.isAsynchronous, pending.state.hasClaim { tellAccepted(pending) }
    }

    private func follow(_ step: TransactionState.Step, _ pending: PendingTransaction, head: UInt64) {
        switch step {
        case .wait: break
        case .handOver: if mayHandOverAgain(pending) { _ = try? handOver(pending) }
        case .search: search(pending, head: head)
        case .settle(.mined):
            if let receipt = pending.receipt { finish(pending, record(of: receipt, pending)) }
        case .settle(.replaced): finish(pending, pending.record(.replaced))
        case .settle(.lost):
            guard pending.request != nil, !pending.namesNonce else {
                return finish(pending, pending.record(.replaced))
            }
            guard let rival = pending.rival else { return }
            giveBack(pending) { journal, hash, name in try journal.noteRefused(hash, by: rival, for: name) }
        case .settle(.rejected):
            if pending.isResumed, pending.request != nil { return giveBack(pending) { _, _, _ in } }
            noteInJournal(pending) { journal, hash, name in try journal.noteRejected(hash, for: name) }
            settle(pending, .failed(pending.failure ?? SendError.notPending))
        }
    }

    /// Whether a transaction may be handed over once more: not before those in front of it have their nonces, and where
    /// one of them has failed only if a node had it before.
    private func mayHandOverAgain(_ pending: PendingTransaction) -> Bool {
        if pending.state.hasClaim { return true }
        return !isOver && waiting.prefix { $0 !== pending }.allSatisfy(\.state.hasClaim)
    }

    /// Has a request signed again. No node has it, and nothing after it was signed in this run.
    private func giveBack(_ pending: PendingTransaction, note: (Journal, Bytes32, String) throws -> Void) {
        noteInJournal(pending, note)
        settle(pending, .returned(pending, isQueued: false))
    }

    private func noteInJournal(_ pending: PendingTransaction, _ note: (Journal, Bytes32, String) throws -> Void) {
        guard let journal, let name = pending.name, let hash = pending.newest?.hash else { return }
        do { try note(journal, hash, name) } catch { observer?.warning("\(error)") }
    }

    private func finish(_ pending: PendingTransaction, _ record: SentRecord) {
        if let name = pending.name, let journal {
            do { try journal.note(record.json(decoding: policy.interface), for: name) } catch {
                observer?.warning("\(error): the outcome is not in the journal; the next run looks it up again")
            }
        }
        if let receipt = record.receipt {
            let fee = BigUInt(receipt.gasUsed) * (receipt.effectiveGasPrice?.value ?? 0)
            progress.fee = (try? Quantity(progress.fee.value + fee)) ?? progress.fee
        }
        progress.done += 1
        settle(pending, .done(record))
    }

    private func record(of receipt: Receipt, _ pending: PendingTransaction) -> SentRecord {
        var record = pending.record(receipt.isSuccess ? .success : .reverted)
        record.receipt = receipt
        guard let signed = pending.versions.first(where: { $0.hash == receipt.transactionHash })?.signed else {
            return record
        }
        if receipt.isSuccess {
            record.contractAddress = signed.createdContract
        } else if let data = revertData(of: signed, in: receipt.blockNumber) {
            record.revert = data
        }
        return record
    }

    /// What the transaction reverted with: receipts do not say, so the call is tried again around its block.
    private func revertData(of signed: SignedTransaction, in block: UInt64) -> [UInt8]? {
        let transaction = signed.transaction
        let call = CallRequest(
            from: signed.sender, to: transaction.to, data: transaction.data, value: transaction.value)
        for number in [block, block &- 1] {
            if case .reverted(let data)? = try? node.get().ask(.call(call, at: .number(number))) { return data }
        }
        return nil
    }

    /// Looks in the blocks for the transaction that has the nonce of one in flight, once in a second at most.
    private func search(_ pending: PendingTransaction, head: UInt64) {
        guard let signed = pending.signed, pending.searchedAt.map({ .now - $0 >= .seconds(1) }) ?? true,
            .now < pending.deadline,
            let node = try? node.get()
        else { return }
        pending.searchedAt = .now
        var occupant = TransactionState.Occupant.unknown
        let search = NonceSearch(
            sender: signed.sender, nonce: signed.transaction.nonce, chainId: signed.transaction.chainId, head: head)
        do throws(NodeError) {
            if let (hash, block, head) = try search.occupant(asking: node) {
                let isOwn = pending.versions.contains { $0.hash == hash }
                occupant = isOwn ? .own : .other(block: block, head: head)
                if !isOwn { pending.rival = hash }
                pending.doubt =
                    isOwn
                    ? "it is in block \(block), and no node has shown its receipt"
                    : "another transaction, \(hash), used its nonce, in block \(block)"
            }
        } catch { pending.doubt += " (\(error))" }
        let step = observe(.searched(occupant), of: pending)
        if case .search = step { return }
        follow(step, pending, head: head)
    }
}
