import ABI
import EthereumNode
import Failures
import Preparation
import Primitives
import Transactions

/// Hands transactions over, and polls where they stand until the outcome of each is known.
final class TransactionWatcher {
    let queue: TransactionQueue
    let policy: SendPolicy
    let journal: Journal?
    let observer: any SendObserver
    let node: EthereumNode
    private var pause = shortestPause
    private(set) var nextPoll = ContinuousClock.now
    /// How often another machine was faster with a nonce.
    private var raceCount = 0

    private static let shortestPause = Duration.milliseconds(50)
    private static let longestPause = Duration.seconds(2)
    private static let mostRaces = 50

    init(policy: SendPolicy, journal: Journal?, observer: any SendObserver, node: EthereumNode) {
        (self.policy, self.journal, self.observer, self.node) = (policy, journal, observer, node)
        queue = TransactionQueue(policy: policy, observer: observer)
    }

    /// Begins to watch a request's transactions, those of an earlier run too.
    func start(_ pending: PendingTransaction, _ state: TransactionState, l1Fee: UInt256 = 0) {
        queue.begin(pending)
        pending.start(state, l1Fee: l1Fee, policy)
        // Nobody knows whether those of an earlier run were sent.
        if state.mayBeMined { queue.progress.sent += 1 }
        pollSoon()
    }

    /// Hands a transaction over; if `waits`, the node is asked to answer once it is in a block.
    func handOver(_ pending: PendingTransaction, waits: Bool = false) {
        guard let signed = pending.signed else { return }
        pending.handOverDue = nil
        let before = node.deadline
        node.deadline = pending.deadline
        defer { node.deadline = before }
        let result = SubmitResult(of: signed.raw, hash: signed.hash, waits: waits, from: node)
        pending.sentAt = .now
        note(result, of: pending, signed.hash)
        settleIfAsynchronous(pending)
        pollSoon()
    }

    private func note(_ result: SubmitResult, of pending: PendingTransaction, _ hash: Bytes32) {
        let isFirst = !pending.state.mayBeMined
        let answer: TransactionState.Answer
        switch result {
        case .accepted, .mined: answer = .accepted
        case .doubtful(let reason):
            (answer, pending.doubt) = (.doubtful, reason)
            if isFirst { observer.warning("it is not known whether \(hash) was accepted: \(reason)") }
        case .nonceTaken(let message):
            answer = .nonceTaken
            pending.doubt = "another transaction may have its nonce: the node says \(message.quoted(limit: 200))"
        case .postponed(let error): (answer, pending.failure) = (.postponed, error)
        case .rejected(let error):
            (answer, pending.failure) = (.rejected, error)
            if case .response(_, let message, _, _) = error { pending.failure = SendError.rejected(message: message) }
            if error.isOfFunds, let sender = pending.signed?.sender {
                let needed = queue.usage(leastNonce: 0).cost
                pending.failure = PreparationError.lackOfFunds(
                    of: sender, needed: needed, asking: node, after: .failed(error))
            }
            if !isFirst { pending.doubt = error.description }
        }
        _ = observe(.answered(answer), of: pending)
        // Its block may be one that is still being made: a poll shows whether the chain has it.
        if policy.confirmations == 0, case .mined(let receipt) = result {
            see(pending, .init(head: 0, block: receipt.blockNumber, isOvertaken: true), receipt)
        }
    }

    private func observe(
        _ observation: TransactionState.Observation, of pending: PendingTransaction
    ) -> TransactionState.Step {
        let wasSent = pending.state.mayBeMined
        let step = pending.state.observe(observation, confirmations: policy.confirmations)
        if pending.state.mayBeMined, !wasSent { queue.progress.sent += 1 }
        return step
    }

    private func settleIfAsynchronous(_ pending: PendingTransaction) {
        guard policy.isAsynchronous, pending.isInFlight, pending.state.hasClaim else { return }
        var record = pending.pendingRecord
        record.doubt = nil
        queue.settle(pending, record)
    }

    private func pollSoon() { (nextPoll, pause) = (.now, Self.shortestPause) }

    /// Polls when it is time, and gives up on what has waited too long: on all of it if this `isLast`.
    func advance(isLast: Bool) {
        for pending in queue.inFlight {
            if let due = pending.handOverDue, .now >= due, isNext(pending) { handOver(pending) }
        }
        let inFlight = queue.inFlight
        if let deadline = inFlight.map(\.deadline).min(), isLast || .now >= min(nextPoll, deadline) {
            node.deadline = deadline
            // A node that fails is a state too: the transactions are sent, and are asked about again.
            do throws(NodeError) { try poll(inFlight) } catch {
                for pending in inFlight { pending.doubt = error.description }
            }
            node.deadline = nil
            pause = queue.hasMoved ? Self.shortestPause : min(pause * 1.5, Self.longestPause)
            nextPoll = .now + pause
            // Where nothing can be in a block before it is handed over again, nothing is polled until then.
            let waiting = queue.inFlight
            if waiting.allSatisfy({ $0.handOverDue != nil || !$0.state.mayBeMined }) {
                nextPoll = max(nextPoll, waiting.compactMap(\.handOverDue).min() ?? nextPoll)
            }
        }
        for pending in queue.inFlight {
            let unsent = pending.state.mayBeMined ? nil : pending.failure
            guard isLast || .now >= pending.deadline || (queue.isOver && unsent != nil) else { continue }
            if let unsent { queue.fail(pending, unsent) } else { queue.settle(pending, pending.pendingRecord) }
        }
    }

    /// Polls everything in flight with one request, and acts on the result.
    private func poll(_ inFlight: [PendingTransaction]) throws(NodeError) {
        var batch = NodeBatch()
        let headTicket = batch.add(.blockNumber)
        var counts: [Address: NodeBatch.Ticket<UInt64>] = [:]
        let tickets = inFlight.map { pending in
            let receipts = pending.versions.map { batch.add(.receipt(of: $0.hash)) }
            let isKnown = pending.mayBeForgotten ? pending.versions.last.map { batch.add(.knows($0.hash)) } : nil
            if let sender = pending.signed?.sender, counts[sender] == nil {
                counts[sender] = batch.add(.transactionCount(of: sender, at: .latest))
            }
            return (receipts: receipts, isKnown: isKnown)
        }
        let answers = try node.ask(batch, retryBudget: .zero)
        let head = try answers.answer(to: headTicket)
        for (pending, tickets) in zip(inFlight, tickets) {
            do throws(NodeError) {
                var receipt: Receipt?
                for ticket in tickets.receipts where receipt == nil { receipt = try answers.answer(to: ticket) }
                var poll = TransactionState.Poll(head: head, block: receipt?.blockNumber, isOvertaken: false)
                if let receipt, receipt.isPromise {
                    poll.head = min(head, receipt.blockNumber - min(receipt.blockNumber, 1))
                }
                if let signed = pending.signed, let ticket = counts[signed.sender] {
                    poll.isOvertaken = try answers.answer(to: ticket) > signed.transaction.nonce
                }
                if let ticket = tickets.isKnown {
                    poll.isKnown = try answers.answer(to: ticket)
                    pending.askedAt = .now
                }
                see(pending, poll, receipt)
            } catch { pending.doubt = error.description }
        }
    }

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
        pending.handOverDue = nil
        follow(step, pending, head: poll.head)
        settleIfAsynchronous(pending)
    }

    /// Whether it may be handed over again: not before those in front of it have their nonces, and if one of them has
    /// failed only if a node had it.
    private func isNext(_ pending: PendingTransaction) -> Bool {
        pending.state.hasClaim
            || !queue.isOver && queue.inFlight.prefix { $0 !== pending }.allSatisfy(\.state.hasClaim)
    }

    private func follow(_ step: TransactionState.Step, _ pending: PendingTransaction, head: UInt64) {
        switch step {
        case .wait: break
        case .handOver:
            guard isNext(pending) else { break }
            if .now < pending.mayBeHandedOverAt {
                pending.handOverDue = pending.mayBeHandedOverAt
            } else {
                handOver(pending)
            }
        case .search: search(pending, head: head)
        case .settle(.mined): if let receipt = pending.receipt { finish(pending, record(of: receipt, pending)) }
        case .settle(.replaced): finish(pending, pending.record(.replaced))
        case .settle(.lost):
            guard let request = pending.request, request.nonce == nil else {
                return finish(pending, pending.record(.replaced))
            }
            guard let rival = pending.rival, let signed = pending.signed else { return }
            noteRejected(pending, by: rival)
            raceCount += 1
            guard raceCount <= Self.mostRaces else { return queue.fail(pending, SendError.outrun(signed.sender)) }
            queue.giveBack(pending)
        case .settle(.rejected):
            if pending.isResumed, pending.request != nil { return queue.giveBack(pending) }
            noteRejected(pending, by: nil)
            queue.fail(pending, pending.failure ?? SendError.notPending)
        }
    }

    private func noteRejected(_ pending: PendingTransaction, by rival: Bytes32?) {
        guard let hash = pending.signed?.hash else { return }
        note(pending) { journal, name in try journal.noteRejected(hash, by: rival, for: name) }
    }

    private func finish(_ pending: PendingTransaction, _ record: SentRecord) {
        // A promised block is no outcome: the next run looks for the transaction.
        if !record.isPreconfirmed {
            note(pending) { journal, name in try journal.note(record.json(decoding: policy.interface), for: name) }
        }
        queue.finish(pending, record)
    }

    private func note(_ pending: PendingTransaction, _ write: (Journal, _ name: String) throws -> Void) {
        guard let journal, let name = pending.name else { return }
        do { try write(journal, name) } catch {
            observer.warning("\(error): the outcome is not in the journal; the next run looks it up again")
        }
    }

    private func record(of receipt: Receipt, _ pending: PendingTransaction) -> SentRecord {
        var record = pending.record(receipt.isSuccess ? .success : .reverted)
        record.isPreconfirmed = pending.state == .mined(depth: 0)
        let signed = pending.versions.first { $0.hash == receipt.transactionHash }?.signed
        if receipt.isSuccess {
            record.contractAddress = signed?.createdContract
        } else {
            record.revert = signed.flatMap { node.revertData(of: $0, in: receipt.blockNumber) }
        }
        return record
    }

    /// Looks in the blocks for the transaction that has the nonce of one in flight, once in a second at most.
    private func search(_ pending: PendingTransaction, head: UInt64) {
        guard let signed = pending.signed, pending.searchedAt.map({ .now - $0 >= .seconds(1) }) ?? true,
            .now < pending.deadline
        else { return }
        pending.searchedAt = .now
        var observation = TransactionState.Observation.foundNone
        let search = NonceSearch(
            sender: signed.sender, nonce: signed.transaction.nonce, chainId: signed.transaction.chainId, head: head)
        do throws(NodeError) {
            if let (hash, block, head) = try search.occupant(asking: node) {
                if pending.versions.contains(where: { $0.hash == hash }) {
                    observation = .foundOwn
                    pending.doubt = "it is in block \(block), and no node has shown its receipt"
                } else {
                    (observation, pending.rival) = (.foundOther(block: block, head: head), hash)
                    pending.doubt = "another transaction, \(hash), used its nonce, in block \(block)"
                }
            }
        } catch { pending.doubt += " (\(error))" }
        let step = observe(observation, of: pending)
        if case .search = step { return }
        follow(step, pending, head: head)
    }
}
