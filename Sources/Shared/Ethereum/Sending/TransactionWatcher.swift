import ABI
import EthereumNode
import Failures
import Preparation
import Primitives
import Transactions

/// Hands transactions over, and polls where they stand until the outcome of each is known.
final class TransactionWatcher {
    private let queue: TransactionQueue
    private let policy: SendPolicy
    private let journal: Journal?
    private let observer: (any SendObserver)?
    private let node: EthereumNode
    private var pause = shortestPause
    private(set) var nextPoll = ContinuousClock.now
    /// Whether the node may offer eth_sendRawTransactionSync.
    private var waitsForBlocks = true
    /// How often another machine was faster with a nonce.
    private var raceCount = 0

    private static let shortestPause = Duration.milliseconds(50)
    private static let longestPause = Duration.seconds(2)
    /// How many nonces another machine may be faster with.
    private static let mostRaces = 50

    init(
        _ queue: TransactionQueue, policy: SendPolicy, journal: Journal?, observer: (any SendObserver)?,
        node: EthereumNode
    ) {
        (self.queue, self.policy, self.journal, self.observer, self.node) = (queue, policy, journal, observer, node)
    }

    /// Begins to watch transactions of an earlier run.
    func resume(_ pending: PendingTransaction, _ state: TransactionState) {
        queue.begin(pending)
        pending.start(state, isResumed: true, policy)
        // Nobody knows whether they were sent.
        if state.mayBeMined { queue.countSent() }
        pollSoon()
    }

    /// Hands a transaction over, for the first time or again, and notes what the node says.
    ///
    /// - Parameter waits: whether the node is asked to answer once the transaction is in a block.
    func handOver(_ pending: PendingTransaction, waits: Bool = false) {
        guard pending.mayBeHandedOver, let signed = pending.signed else { return }
        let before = node.deadline
        node.deadline = pending.deadline
        defer { node.deadline = before }
        func submit(waits: Bool) -> SubmitResult {
            SubmitResult(of: signed.raw, hash: signed.hash, waits: waits, from: node)
        }
        var result = submit(waits: waits && waitsForBlocks)
        if case .doesNotWait = result {
            waitsForBlocks = false
            result = submit(waits: false)
        }
        pending.sentAt = .now
        note(result, of: pending)
        settleIfAsynchronous(pending)
        pollSoon()
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
            guard isFirst, let hash = pending.signed?.hash else { return }
            observer?.warning("it is not known whether \(hash) was accepted: \(reason)")
        case .nonceTaken(let message):
            answered(.nonceTaken)
            pending.doubt = "another transaction may have its nonce: the node says \(message.quoted(limit: 200))"
        case .postponed(let error):
            answered(.postponed)
            pending.failure = error
        case .rejected(let error):
            answered(.rejected)
            pending.failure = error
            if case .response(_, let message, _) = error { pending.failure = SendError.rejected(message: message) }
            if pending.state.mayBeMined { pending.doubt = error.description }
        case .doesNotWait: break
        }
    }

    private func observe(
        _ observation: TransactionState.Observation, of pending: PendingTransaction
    ) -> TransactionState.Step {
        let wasSent = pending.state.mayBeMined
        let step = pending.state.observe(observation, confirmations: policy.confirmations)
        if pending.state.mayBeMined, !wasSent { queue.countSent() }
        return step
    }

    private func settleIfAsynchronous(_ pending: PendingTransaction) {
        guard policy.isAsynchronous, pending.isInFlight, pending.state.hasClaim else { return }
        var record = pending.pendingRecord
        record.doubt = nil
        queue.settle(pending, record)
    }

    private func pollSoon() { (nextPoll, pause) = (.now, Self.shortestPause) }
}

// What is seen, and what follows

extension TransactionWatcher {
    /// Polls when it is time, and gives up on what has waited too long.
    ///
    /// - Parameter isLast: whether this is the end, and what is not known now is pending.
    func advance(isLast: Bool) {
        let inFlight = queue.inFlight
        if let deadline = inFlight.map(\.deadline).min(), isLast || .now >= min(nextPoll, deadline) {
            poll(inFlight, until: deadline)
            pause = queue.hasMoved ? Self.shortestPause : min(pause * 1.5, Self.longestPause)
            nextPoll = .now + pause
        }
        for pending in queue.inFlight {
            let unsent = pending.state.mayBeMined ? nil : pending.failure
            guard isLast || .now >= pending.deadline || (queue.isOver && unsent != nil) else { continue }
            if let unsent { queue.fail(pending, unsent) } else { queue.settle(pending, pending.pendingRecord) }
        }
    }

    /// Polls everything in flight with one request, and acts on the result. A node that fails is a state
    /// too: the transactions are sent, and are asked about again.
    private func poll(_ inFlight: [PendingTransaction], until deadline: ContinuousClock.Instant) {
        node.deadline = deadline
        defer { node.deadline = nil }
        do throws(NodeError) {
            for (pending, answer) in zip(inFlight, try inFlight.poll(node)) {
                do throws(NodeError) {
                    let (poll, receipt) = try answer.get()
                    if poll.isKnown != nil { pending.askedAt = .now }
                    see(pending, poll, receipt)
                } catch { pending.doubt = error.description }
            }
        } catch {
            for pending in inFlight { pending.doubt = error.description }
        }
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
        settleIfAsynchronous(pending)
    }

    private func follow(_ step: TransactionState.Step, _ pending: PendingTransaction, head: UInt64) {
        switch step {
        case .wait: break
        case .handOver: if mayHandOverAgain(pending) { handOver(pending) }
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

    /// Whether a transaction may be handed over once more: not before those in front of it have their nonces, and where
    /// one of them has failed only if a node had it before.
    private func mayHandOverAgain(_ pending: PendingTransaction) -> Bool {
        if pending.state.hasClaim { return true }
        return !queue.isOver && queue.inFlight.prefix { $0 !== pending }.allSatisfy(\.state.hasClaim)
    }

    private func noteRejected(_ pending: PendingTransaction, by rival: Bytes32?) {
        guard let name = pending.name, let hash = pending.signed?.hash else { return }
        do { try journal?.noteRejected(hash, by: rival, for: name) } catch { observer?.warning("\(error)") }
    }

    private func finish(_ pending: PendingTransaction, _ record: SentRecord) {
        if let name = pending.name {
            do { try journal?.note(record.json(decoding: policy.interface), for: name) } catch {
                observer?.warning("\(error): the outcome is not in the journal; the next run looks it up again")
            }
        }
        queue.finish(pending, record)
    }

    private func record(of receipt: Receipt, _ pending: PendingTransaction) -> SentRecord {
        var record = pending.record(receipt.isSuccess ? .success : .reverted)
        record.receipt = receipt
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
        var occupant = TransactionState.Occupant.unknown
        let search = NonceSearch(
            sender: signed.sender, nonce: signed.transaction.nonce, chainId: signed.transaction.chainId, head: head)
        do throws(NodeError) {
            if let (hash, block, head) = try search.occupant(asking: node) {
                if pending.versions.contains(where: { $0.hash == hash }) {
                    occupant = .own
                    pending.doubt = "it is in block \(block), and no node has shown its receipt"
                } else {
                    (occupant, pending.rival) = (.other(block: block, head: head), hash)
                    pending.doubt = "another transaction, \(hash), used its nonce, in block \(block)"
                }
            }
        } catch { pending.doubt += " (\(error))" }
        let step = observe(.searched(occupant), of: pending)
        if case .search = step { return }
        follow(step, pending, head: head)
    }
}
