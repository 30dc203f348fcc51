package import EthereumNode
import Failures
import Files
package import Preparation
import Primitives
package import Secp256k1
package import Transactions

/// Signs requests with one key, sends them, and waits until they are in blocks.
///
/// Each transaction is signed and sent once a node has the one before, so that nothing after a lost nonce was ever
/// signed. Their outcomes are awaited together.
package final class Sender {
    private let key: SecretKey
    private let watcher: TransactionWatcher
    private var queue: TransactionQueue { watcher.queue }
    private var policy: SendPolicy { watcher.policy }
    private var journal: Journal? { watcher.journal }
    private var observer: any SendObserver { watcher.observer }
    private var capabilities = NodeCapabilities()
    /// The nonce after those that this run and its journal have used.
    private var nextNonce: UInt64
    /// The nonce after those that this run has signed: one that a request names must not be lower.
    private var nonceInOrder: UInt64 = 0
    private var chainId: UInt64?
    /// Held from before the nonce is asked for until a node has what was signed: no other program signs the same nonce.
    private var lock: NonceLock?
    /// Since when another program has the lock.
    private var lockedSince: ContinuousClock.Instant?
    /// Whether nothing more can be prepared before everything in flight has arrived.
    private var isBarred = false
    private var hasWarned = false

    private static let mostPrepared = 100

    /// - Parameter journal: where each transaction is noted before it is sent.
    /// - Throws: ``JournalError/foreign(path:what:)``.
    package init(
        key: consuming SecretKey, policy: SendPolicy, journal: Journal? = nil, observer: any SendObserver,
        node: EthereumNode
    ) throws {
        self.key = key
        watcher = TransactionWatcher(policy: policy, journal: journal, observer: observer, node: node)
        nextNonce = journal?.nextNonce ?? 0
        chainId = try journal?.chainId(of: self.key.address, expected: policy.chainId) ?? policy.chainId
    }

    /// Sends requests as they come, and reports what became of each, in their order.
    ///
    /// Nothing more is sent after the first that fails, or once the stream says that the run should end; what was sent
    /// until then is still waited for, and reported.
    /// - Returns: whether all requests were accepted.
    /// - Throws: what the first request that was not sent failed with; what the stream and `report` throw.
    package func send(
        _ stream: any RequestStream<TransactionRequest>, report: (SentRecord) throws -> Void
    ) throws -> Bool {
        defer { lock = nil }
        return try queue.run(stream, watching: watcher, report: report) { request in
            PendingTransaction(request, name: try journal?.name(of: request))
        } begin: {
            if queue.takesIn { try begin() }
            bump()
            warnOfOtherUser()
            if queue.hasClaims { lock = nil }
        }
    }

    /// Goes on with transactions that somebody else sent, by their records: waits until they are in blocks, and hands
    /// over again what nodes have forgotten. Records of others than pending ones are passed on.
    ///
    /// - Returns: whether all records were accepted.
    /// - Throws: ``SendError/notPending`` for a record without a transaction; what the stream and `report` throw.
    package static func resume(
        _ stream: any RequestStream<SentRecord>, policy: SendPolicy, observer: any SendObserver, node: EthereumNode,
        report: (SentRecord) throws -> Void
    ) throws -> Bool {
        let watcher = TransactionWatcher(policy: policy, journal: nil, observer: observer, node: node)
        let queue = watcher.queue
        return try queue.run(stream, watching: watcher, report: report, parse: PendingTransaction.init) {
            guard queue.takesIn else { return }
            while queue.room > 0, let pending = queue.queued(1).first {
                if case .done(let record) = pending.phase {
                    queue.settle(pending, record)
                } else {
                    watcher.start(pending, .resumed)
                }
            }
        }
    }

    private func begin() throws {
        try resume()
        // The next one is signed on top of those before it: each of their nonces must be claimed.
        guard queue.takesIn, queue.hasClaims, queue.room > 0,
            !isBarred || queue.inFlight.allSatisfy(\.state.isInChain)
        else { return }
        isBarred = false
        var names: Set<String> = []
        let new = queue.queued(min(queue.room, Self.mostPrepared)).prefix { pending in
            // A name that comes again is the same request, and taken up once the first is in the journal.
            entry(of: pending)?.leftover == nil && pending.name.map { names.insert($0).inserted } ?? true
        }
        guard !new.isEmpty else { return }
        if let chainId, try !takeLock(on: chainId) { return }
        var preparations = try prepare(new)
        let ready = preparations.lazy.compactMap { if case .ready(let prepared) = $0 { prepared } else { nil } }.first
        if chainId == nil, let chain = ready?.transaction.chainId {
            // Another program may have used the nonce before the chain, and so the lock, was known.
            guard try takeLock(on: chain) else { return }
            preparations = try prepare(new)
        }
        // As the last of few it can be waited for in the request that hands it over.
        let isLast = new.count <= 2 && queue.hasEnded && policy.confirmations <= 1 && !policy.isAsynchronous
        for (pending, preparation) in zip(new, preparations) {
            switch preparation {
            case .skipped: queue.settle(pending, SentRecord(label: pending.label, id: pending.id, .skipped))
            case .reverts(let data):
                if let request = pending.request { queue.settle(pending, .reverting(request, with: data)) }
            case .deferred:
                isBarred = true
                return
            case .ready(let prepared):
                try send(pending, prepared)
                watcher.handOver(pending, waits: isLast && !queue.hasQueued)
            }
            // The requests after it were prepared on the assumption that it has its nonce.
            guard queue.hasClaims, queue.takesIn else { return }
        }
    }

    private func prepare(_ new: some Sequence<PendingTransaction>) throws -> [PreparationResult] {
        try Preparer(sender: key.address, chainId: chainId, fees: policy.fees, purpose: .sending).prepare(
            new.compactMap(\.draft), after: queue.usage(leastNonce: nextNonce), learning: &capabilities,
            asking: { watcher.node }
        ).preparations
    }

    private func send(_ pending: PendingTransaction, _ prepared: PreparedTransaction) throws {
        let nonce = prepared.transaction.nonce
        guard nonce >= nonceInOrder || pending.state == .rejected else {
            throw SendError.outOfOrder(nonce: nonce, least: nonceInOrder)
        }
        for earlier in entry(of: pending)?.versions ?? [] { pending.add(earlier) }
        try sign(prepared.transaction, for: pending)
        nonceInOrder = max(nonceInOrder, nonce &+ 1)
        nextNonce = max(nextNonce, nonceInOrder)
        watcher.start(pending, .signed, l1Fee: prepared.l1Fee)
    }

    private func sign(_ transaction: FeeMarketTransaction, for pending: PendingTransaction) throws {
        let signed = transaction.signed(by: key)
        if let name = pending.name { try journal?.note(signed, for: name) }
        observer.sending(label: pending.label, hash: signed.hash)
        pending.add(signed)
    }

    /// Claims the nonces of the key on a chain; false as long as another program has them, but not for ever.
    private func takeLock(on chain: UInt64) throws -> Bool {
        if lock != nil { return true }
        chainId = chain
        lock = try NonceLock.acquire("teebridge/tx-send/\(chain)/\(key.address.hex)")
        lockedSince = lock == nil ? lockedSince ?? .now : nil
        guard let lockedSince else { return true }
        guard .now - lockedSince < policy.timeout else { throw SendError.keyInUse(key.address) }
        return false
    }

    private func warnOfOtherUser() {
        // Those that ask are taken in all the same: others find room to.
        let visitor = lock?.visitor()
        guard !hasWarned, let user = lock?.otherUser ?? visitor else { return }
        hasWarned = true
        observer.warning(
            "\(user) also seems to be sending with the key of \(key.address): each may take the other's nonces")
    }

    /// What the journal has of a request that nothing was signed for in this run.
    private func entry(of pending: PendingTransaction) -> Journal.Entry? {
        pending.versions.isEmpty ? pending.name.flatMap { journal?.entries[$0] } : nil
    }

    /// Takes up the first requests, as far as the journal knows them.
    private func resume() throws {
        while queue.room > 0, let pending = queue.queued(1).first, let entry = entry(of: pending),
            let leftover = entry.leftover
        {
            // The same request once more waits for what becomes of the first.
            if queue.inFlight.contains(where: { $0.name == pending.name }) { return }
            switch leftover {
            case .done(let record): queue.settle(pending, try SentRecord(stored: record))
            case .resume(let state):
                guard let newest = entry.versions.last, try takeLock(on: newest.transaction.chainId) else { return }
                for version in entry.versions { pending.add(version) }
                nextNonce = max(nextNonce, newest.transaction.nonce &+ (state == .rejected ? 0 : 1))
                if state.mayBeMined { observer.sending(label: pending.label, hash: newest.hash) }
                watcher.start(pending, state)
            }
        }
    }

    /// Sends the transaction with the lowest nonce once more, with higher fees, if it is time to.
    private func bump() {
        guard let period = policy.bumpAfter else { return }
        let offered = queue.inFlight.filter { if case .offered = $0.state { true } else { false } }
        let stuck = offered.min { ($0.nonce ?? .max) < ($1.nonce ?? .max) }
        guard let stuck, let signed = stuck.signed, let time = stuck.bumpAt, .now >= time else { return }
        stuck.bumpAt = .now + period
        do {
            var transaction = signed.transaction
            (transaction.maxPriorityFeePerGas, transaction.maxFeePerGas) = try policy.fees.raised(
                stuck.offers.compactMap(\.signed?.transaction), requestLimit: stuck.request?.maxFeePerGas,
                after: watcher.node.fees(retryBudget: .zero))
            try sign(transaction, for: stuck)
            watcher.handOver(stuck)
        } catch let limit as FeeLimit {
            stuck.bumpAt = nil
            observer.warning("\(signed.hash) is waiting, and its fees will not be raised again: \(limit)")
        } catch {
            observer.warning("\(signed.hash) is waiting, and could not be sent with higher fees: \(error)")
        }
    }
}
