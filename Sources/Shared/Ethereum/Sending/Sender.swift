package import EthereumNode
import Failures
import Files
package import Preparation
import Primitives
package import Secp256k1
package import Transactions

/// Signs requests with one key, sends them, and waits until they are in blocks.
///
/// Transactions are signed and sent one after the other: each one once a node has the one before, so that
/// nothing after a lost nonce was ever signed. Their outcomes are awaited together.
package final class Sender {
    private let key: SecretKey
    private let policy: SendPolicy
    private let journal: Journal?
    private let observer: (any SendObserver)?
    private let node: LazyNode
    private let watcher: TransactionWatcher
    private var capabilities = NodeCapabilities()
    /// The nonce after those that this run and its journal have used.
    private var nextNonce: UInt64 = 0
    /// The nonce after those that this run has signed: one that a request names must not be lower.
    private var nonceInOrder: UInt64 = 0
    /// The chain, once it is known.
    private var chainId: UInt64?
    /// Held from before the nonce is asked for until a node has what was signed, so that no other program of this
    /// machine signs the same nonce.
    private var lock: NonceLock?
    /// Since when another program has the lock.
    private var lockedSince: ContinuousClock.Instant?
    private var hasWarned = false
    /// How often another machine was faster with a nonce.
    private var raceCount = 0
    /// Whether nothing more can be prepared before everything in flight has arrived.
    private var isBarred = false

    /// How many requests are prepared at a time.
    private static let mostPrepared = 100
    /// How many nonces another machine may be faster with.
    private static let mostRaces = 50

    /// - Parameters:
    ///   - journal: where each transaction is noted before it is sent.
    ///   - makeNode: gives the node; not called where nothing need be asked, and at most once.
    /// - Throws: ``JournalError/foreign(path:what:)``.
    package init(
        key: consuming SecretKey, policy: SendPolicy, journal: Journal? = nil, observer: (any SendObserver)? = nil,
        makeNode: @escaping () throws -> EthereumNode
    ) throws {
        self.key = key
        (self.policy, self.journal, self.observer) = (policy, journal, observer)
        node = LazyNode(make: makeNode)
        watcher = TransactionWatcher(policy: policy, journal: journal, observer: observer, node: node)
        chainId = try journal?.chainId(of: self.key.address, expected: policy.chainId) ?? policy.chainId
        nextNonce = journal?.nextNonce ?? 0
    }

    /// A request that was accepted.
    private struct Queued {
        var request: TransactionRequest
        /// Its name in the journal, if there is one.
        let name: String?
        /// The nonce that a transaction of it has, which a rule forbade: the next one has it too.
        var nonce: UInt64?
        /// The transactions that were signed for it before, and cannot be its last.
        var earlier: [PendingTransaction.Version] = []
        /// Whether what the journal has of it was seen to.
        var isResumed = false

        /// The request as it is prepared.
        var prepared: TransactionRequest {
            var request = request
            request.nonce = nonce ?? request.nonce
            return request
        }
    }

    /// Sends requests as they come, and tells what became of each, in their order.
    ///
    /// Nothing more is sent after the first request that fails, or once the stream says that the run should end; what
    /// was sent until then is still waited for, and told.
    /// - Returns: whether all requests were accepted.
    /// - Throws: ``SendError``, `NodeError`, and what the stream throws, about a request that was not sent; what
    ///   `report` throws.
    package func send(
        _ stream: any RequestStream<TransactionRequest>, report: (SentRecord) throws -> Void
    ) throws -> Bool {
        defer { lock = nil }
        return try watcher.run(NamedRequests(stream: stream, journal: journal)) { queue, mayBegin in
            for pending in watcher.takeReturned().reversed() { try putBack(pending, in: &queue) }
            if mayBegin { try begin(&queue) }
            bump()
            warnOfOtherUser()
            if watcher.hasClaims { lock = nil }
        } report: { record in
            try report(record)
        }
    }

    /// The requests of a stream, with their names in the journal.
    private struct NamedRequests: RequestStream {
        let stream: any RequestStream<TransactionRequest>
        let journal: Journal?

        func read() throws -> [Queued]? {
            try stream.read()?.map {
                Queued(request: $0, name: try journal?.name(of: $0))
            }
        }

        func wait(_ time: Duration?, forInput: Bool) -> Bool { stream.wait(time, forInput: forInput) }

        var stopCount: Int { stream.stopCount }
    }

    /// Resumes from the journal, prepares new requests, and sends what is ready.
    private func begin(_ queue: inout RequestQueue<Queued>) throws {
        try resume(&queue)
        // The next one is signed on top of those before it: each of their nonces must be claimed.
        guard !watcher.isOver, watcher.hasClaims, watcher.room > 0,
            !isBarred || watcher.waiting.allSatisfy({ $0.receipt != nil })
        else {
            return
        }
        isBarred = false
        var names: Set<String> = []
        let new = queue.documents.prefix(min(watcher.room, Self.mostPrepared)).prefix { queued in
            // A name that comes again is the same request, and taken up once the first is in the journal.
            needsTransaction(queued) && queued.name.map { names.insert($0).inserted } ?? true
        }
        guard !new.isEmpty else { return }
        if let chainId, try !takeLock(chainId) { return }
        var preparations = try preparer.prepare(
            new.map(\.prepared), after: watcher.usage(leastNonce: nextNonce), learning: &capabilities, asking: node.get
        ).preparations
        if chainId == nil, let first = preparations.firstReady {
            // Another program may have used the nonce before the chain, and so the lock, was known.
            chainId = first.transaction.chainId
            guard try takeLock(first.transaction.chainId) else { return }
            nextNonce = max(nextNonce, try node.get().ask(.transactionCount(of: key.address, at: .pending)))
            preparations.renumber(from: nextNonce, unless: new.map { $0.prepared.nonce != nil })
        }
        for (queued, preparation) in zip(new, preparations) {
            switch preparation {
            case .skipped: watcher.add(SentRecord(label: queued.request.label, id: queued.request.id, .skipped))
            case .reverts(let data): watcher.add(.reverting(queued.request, with: data))
            case .deferred: isBarred = true
            case .ready(let prepared):
                // As the last of few it can be waited for in the request that hands it over.
                try send(queued, prepared, waits: queue.isEnded && queue.documents.count == 1 && new.count <= 2)
            }
            if isBarred { return }
            queue.removeFirst(1)
            // The requests after it were prepared on the assumption that it has its nonce.
            guard watcher.hasClaims, !queue.isStopping else { return }
        }
    }

    /// Signs a transaction, notes it in the journal, tells its hash, and hands it over.
    private func send(_ queued: Queued, _ prepared: PreparedTransaction, waits: Bool) throws {
        let (request, nonce) = (queued.request, prepared.transaction.nonce)
        guard nonce >= nonceInOrder || queued.nonce != nil else {
            throw SendError.outOfOrder(nonce: nonce, least: nonceInOrder)
        }
        let signed = prepared.transaction.signed(by: key)
        let earlier =
            queued.earlier
            + (entry(of: queued)?.versions ?? []).map { PendingTransaction.Version(hash: $0.hash, signed: $0) }
        if let name = queued.name { try journal?.note(signed, for: name, request) }
        nonceInOrder = max(nonceInOrder, nonce &+ 1)
        nextNonce = max(nextNonce, nonceInOrder)
        observer?.sending(label: request.label, hash: signed.hash)
        let pending = PendingTransaction(
            label: request.label, id: request.id, name: queued.name, request: request,
            versions: earlier + [.init(hash: signed.hash, signed: signed)], deadline: .now + policy.timeout,
            state: .signed, isResumed: false)
        pending.l1Fee = prepared.l1Fee
        pending.bumpAt = policy.bumpAfter.map { .now + $0 }
        watcher.add(pending)
        let waits = waits && policy.confirmations <= 1 && !policy.isAsynchronous && capabilities.waitsForBlocks
        if case .doesNotWait = try watcher.handOver(pending, waits: waits) {
            capabilities.waitsForBlocks = false
            _ = try watcher.handOver(pending)
        }
    }

    /// Has a request signed again whose nonce another transaction used, or whose transaction a rule forbids.
    private func putBack(_ pending: PendingTransaction, in queue: inout RequestQueue<Queued>) throws {
        guard let request = pending.request else { return }
        var queued = Queued(request: request, name: pending.name, earlier: pending.versions, isResumed: true)
        if pending.state == .rejected {
            queued.nonce = pending.nonce
        } else {
            raceCount += 1
            guard raceCount <= Self.mostRaces else { throw SendError.outrun(key.address) }
            nextNonce = max(nextNonce, pending.nonce.map { $0 &+ 1 } ?? 0)
        }
        queue.putBack(queued)
    }

    /// Claims the nonces of the key on a chain.
    ///
    /// - Returns: false as long as another program has them.
    /// - Throws: ``SendError/keyInUse(_:)`` once that has taken as long as a transaction may; `FileError`.
    private func takeLock(_ chainId: UInt64) throws -> Bool {
        if lock != nil { return true }
        let since = lockedSince ?? .now
        lock = try NonceLock.acquire("teebridge/tx-send/\(chainId)/\(key.address.hex)")
        if lock != nil {
            lockedSince = nil
            return true
        }
        lockedSince = since
        guard .now - since < policy.timeout else { throw SendError.keyInUse(key.address) }
        return false
    }

    /// Warns once that another user of this machine seems to send with the same key.
    private func warnOfOtherUser() {
        // Those that ask are taken in all the same: others find room to.
        let visitor = lock?.visitor()
        guard !hasWarned, let user = lock?.otherUser ?? visitor else { return }
        hasWarned = true
        observer?.warning(
            "\(user) also seems to be sending with the key of \(key.address): each may take the other's nonces")
    }

    private var preparer: Preparer {
        Preparer(sender: key.address, chainId: chainId, fees: policy.fees, purpose: .sending)
    }
}

// What earlier runs left, and what waits too long

extension Sender {
    private func entry(of queued: Queued) -> Journal.Entry? {
        queued.isResumed ? nil : queued.name.flatMap { journal?[$0] }
    }

    /// Whether a request has nothing in the journal that must be seen to first.
    private func needsTransaction(_ queued: Queued) -> Bool {
        guard let entry = entry(of: queued) else { return true }
        if case .open = entry.standing { return true }
        return false
    }

    /// Takes up the first of the requests that the journal knows, and removes them from the queue.
    private func resume(_ queue: inout RequestQueue<Queued>) throws {
        while let queued = queue.documents.first, let entry = entry(of: queued), watcher.room > 0 {
            // The same request once more waits for what becomes of the first.
            if let name = queued.name, watcher.waiting.contains(where: { $0.name == name }) { return }
            switch entry.standing {
            case .open: return
            case .done(let record): watcher.add(try SentRecord(stored: record))
            case .inFlight, .rejected:
                guard let newest = entry.versions.last else { return }
                guard try takeLock(newest.transaction.chainId) else { return }
                let isRejected = if case .rejected = entry.standing { true } else { false }
                let request = queued.request
                let pending = PendingTransaction(
                    label: request.label, id: request.id, name: queued.name, request: request,
                    versions: entry.versions.map { .init(hash: $0.hash, signed: $0) }, deadline: .now + policy.timeout,
                    state: isRejected ? .rejected : .resumed)
                pending.bumpAt = policy.bumpAfter.map { .now + $0 }
                nextNonce = max(nextNonce, newest.transaction.nonce &+ (isRejected ? 0 : 1))
                if !isRejected { observer?.sending(label: request.label, hash: newest.hash) }
                watcher.add(pending)
            }
            queue.removeFirst(1)
        }
    }

    /// Sends the transaction with the lowest nonce once more, with higher fees, if it is time to.
    private func bump() {
        guard let period = policy.bumpAfter else { return }
        let stuck = watcher.waiting.filter { $0.state.isOffered }.min { ($0.nonce ?? .max) < ($1.nonce ?? .max) }
        guard let stuck, let signed = stuck.signed, let first = stuck.offers.first, let time = stuck.bumpAt,
            .now >= time
        else { return }
        stuck.bumpAt = .now + period
        do {
            let history = try node.get().ask(.feeHistory, patience: .zero)
            var rules = policy.fees
            rules.maxFee = [policy.fees.maxFee, stuck.request?.maxFeePerGas].compactMap(\.self).min()
            guard stuck.offers.count < FeeRules.mostOffers,
                let (tip, most) = rules.raised(signed.transaction, first: first, after: history)
            else {
                stuck.bumpAt = nil
                observer?.warning(
                    "\(signed.hash) is waiting, and its fees will not be raised again: "
                        + (stuck.offers.count < FeeRules.mostOffers
                            ? rules.maxFee == nil
                                ? "they would be more than ten times the first offer (--max-fee allows more)"
                                : "its limit is reached (--max-fee, maxFeePerGas)"
                            : "\(FeeRules.mostOffers) offers were made"))
                return
            }
            var transaction = signed.transaction
            (transaction.maxPriorityFeePerGas, transaction.maxFeePerGas) = (tip, most)
            let raised = transaction.signed(by: key)
            if let name = stuck.name { try journal?.note(raised, for: name, nil) }
            observer?.sending(label: stuck.label, hash: raised.hash)
            stuck.add(raised)
            _ = try watcher.handOver(stuck)
        } catch {
            observer?.warning("\(signed.hash) is waiting, and could not be sent with higher fees: \(error)")
        }
    }
}

/// Goes on with transactions that somebody else sent: waits until they are in blocks, and hands over again what nodes
/// have forgotten. No key is needed.
package struct PendingRecords {
    private let policy: SendPolicy
    private let observer: (any SendObserver)?
    private let node: EthereumNode

    package init(policy: SendPolicy, observer: (any SendObserver)? = nil, node: EthereumNode) {
        (self.policy, self.observer, self.node) = (policy, observer, node)
    }

    /// Takes in records as they come, and tells what became of the pending ones; all others are passed on.
    ///
    /// - Returns: whether all records were accepted.
    /// - Throws: ``SendError/notPending`` for a record without a transaction, what the stream throws, and what `report`
    ///   throws.
    package func wait(_ stream: any RequestStream<SentRecord>, report: (SentRecord) throws -> Void) throws -> Bool {
        let node = node
        let watcher = TransactionWatcher(
            policy: policy, journal: nil, observer: observer, node: LazyNode { node })
        return try watcher.run(stream) { queue, mayBegin in
            while mayBegin, let record = queue.documents.first, watcher.room > 0 {
                queue.removeFirst(1)
                guard record.status == .pending else {
                    watcher.add(record)
                    continue
                }
                let signed = try record.raw.map { raw throws(TransactionError) in try SignedTransaction(raw: raw) }
                guard let hash = record.transactionHash ?? signed?.hash, signed.map({ $0.hash == hash }) ?? true else {
                    throw SendError.notPending
                }
                watcher.add(
                    PendingTransaction(
                        label: record.label, id: record.id,
                        versions: record.versions.filter { $0 != hash }.map { .init(hash: $0, signed: nil) }
                            + [.init(hash: hash, signed: signed)], deadline: .now + policy.timeout, state: .resumed))
            }
        } report: { record in
            try report(record)
        }
    }
}

/// A node that is made when it is needed.
final class LazyNode {
    private let make: () throws -> EthereumNode
    private var made: EthereumNode?

    init(make: @escaping () throws -> EthereumNode) { self.make = make }

    func get() throws -> EthereumNode {
        if let made { return made }
        let node = try make()
        made = node
        return node
    }
}

extension [PreparationResult] {
    /// The first that can be sent.
    fileprivate var firstReady: PreparedTransaction? {
        lazy.compactMap { if case .ready(let prepared) = $0 { prepared } else { nil } }.first
    }

    /// Gives the transactions nonces from a number on, where that is higher than what they have.
    ///
    /// - Parameter isFixed: for each whether its request names its nonce.
    fileprivate mutating func renumber(from least: UInt64, unless isFixed: [Bool]) {
        var next = least
        for index in indices where !isFixed[index] {
            guard case .ready(var prepared) = self[index] else { continue }
            prepared.transaction.nonce = Swift.max(prepared.transaction.nonce, next)
            next = prepared.transaction.nonce &+ 1
            self[index] = .ready(prepared)
        }
    }
}
