import Files
import Node
import Primitives
import Secp256k1
import Transactions

extension Sender {
    /// A request that was taken in, and its name in the journal, if there is one.
    struct Queued {
        let request: TransactionRequest
        let name: String?
    }

    /// How many requests are prepared at a time.
    private static let mostPrepared = 100
    /// How many nonces in a row another machine may have been faster with.
    private static let mostRaces = 50

    /// Begins with the first of the requests, as many as there is room for, and removes them from the queue.
    func begin(_ queue: inout ArraySlice<Queued>, _ flight: Flight, isLast: Bool) throws {
        try resume(&queue, flight)
        // What no node has yet comes first: whatever is behind it would wait for its nonce.
        guard flight.waiting.allSatisfy(\.isHandedOver), !isBarred || !flight.standing.isWaiting else { return }
        isBarred = false
        var names: Set<String> = []
        let new = queue.prefix(min(flight.room, Self.mostPrepared)).prefix { queued in
            // A name that comes again is the same request, and taken up once the first is in the journal.
            entry(of: queued) == nil && queued.name.map { names.insert($0).inserted } ?? true
        }
        guard !new.isEmpty else { return }
        if let chainId, try !takeLock(chainId) { return }

        var standing = flight.standing
        standing.leastNonce = nextNonce
        var preparations = try preparer(for: .sending)
            .prepare(new.map(\.request), after: standing, learning: &traits, asking: node.get).preparations
        if chainId == nil, let first = preparations.firstReady {
            // Another program may have used the nonce before the chain, and so the lock, was known.
            chainId = first.transaction.chainId
            guard try takeLock(first.transaction.chainId) else { return }
            nextNonce = max(nextNonce, try node.get().ask(.transactionCount(of: key.address, at: .pending)))
            preparations.renumber(from: nextNonce, unless: new.map { $0.request.nonce != nil })
        }
        let wave = zip(new, preparations).map { ($0, $1) }
        let count = try send(wave, flight, isLast: isLast && preparations.count == queue.count)
        queue.removeFirst(count)
    }

    /// Sends what is ready, and notes what is done with.
    ///
    /// The first transaction is handed over alone, since it may meet a nonce that another machine has used meanwhile;
    /// the others follow once a node may have it, all in one request.
    /// - Returns: how many of the requests were begun with.
    private func send(
        _ wave: [(queued: Queued, preparation: Preparation)], _ flight: Flight, isLast: Bool
    ) throws -> Int {
        let ready = wave.compactMap { queued, preparation -> (queued: Queued, prepared: Prepared)? in
            if case .ready(let prepared) = preparation { (queued, prepared) } else { nil }
        }
        let first = try sign(ready.prefix(1))
        guard
            try claim(
                first, ready.first?.queued.request, waits: isLast && ready.count == 1 && flight.isAccepted, flight)
        else { return 0 }
        let others = try first.allSatisfy(\.mayBeSent) ? sign(ready.dropFirst()) : []
        let isAccepted = flight.isAccepted && first.allSatisfy(\.isAccepted)

        var outgoing = (first + others)[...]
        var count = 0
        for (queued, preparation) in wave {
            switch preparation {
            case .needless: flight.add(SentRecord(label: queued.request.label, id: queued.request.id, .skipped))
            case .reverts(let data): flight.add(.reverting(queued.request, with: data))
            case .ready:
                guard let next = outgoing.popFirst() else { return count }
                flight.add(next)
            case .waits: isBarred = true
            }
            if !isBarred { count += 1 }
        }
        try sendOthers(others, Array(ready.dropFirst()), flight, waits: isLast && !isBarred && isAccepted)
        return count
    }

    /// Hands over the first transaction of a wave.
    ///
    /// - Returns: false if another transaction has its nonce: the request is to be prepared anew.
    private func claim(
        _ outgoing: [Outgoing], _ request: TransactionRequest?, waits: Bool, _ flight: Flight
    ) throws -> Bool {
        guard case .nonceTaken(let failure)? = try handOver(outgoing, waits: waits, flight).first else { return true }
        guard request?.nonce == nil, raceCount < Self.mostRaces else { throw failure }
        raceCount += 1
        for each in outgoing { try withdraw(each) }
        return false
    }

    /// Hands over everything of a wave behind its first transaction, and gives new nonces to those that need them.
    private func sendOthers(
        _ outgoing: [Outgoing], _ ready: [(queued: Queued, prepared: Prepared)], _ flight: Flight, waits: Bool
    ) throws {
        let submissions = try handOver(outgoing, waits: waits, flight)
        for ((outgoing, first), (queued, prepared)) in zip(zip(outgoing, submissions), ready) {
            var submission: Submission? = first
            while case .nonceTaken = submission, queued.request.nonce == nil, raceCount < Self.mostRaces {
                raceCount += 1
                try withdraw(outgoing)
                var transaction = prepared.transaction
                transaction.nonce = nextNonce
                nextNonce &+= 1
                try replace(outgoing, by: transaction.signed(by: key))
                submission = try handOver([outgoing], waits: false, flight).first
            }
            if case .nonceTaken = submission { outgoing.isRefused = true }
        }
    }

    /// Signs transactions, notes them in the journal, and tells their hashes.
    private func sign(_ ready: ArraySlice<(queued: Queued, prepared: Prepared)>) throws -> [Outgoing] {
        guard !ready.isEmpty else { return [] }
        let signed = ready.map { $0.prepared.transaction.signed(by: key) }
        try journal?.note(
            zip(ready, signed).compactMap { ready, signed in
                ready.queued.name.map { ($0, ready.queued.request, signed) }
            })
        return zip(ready, signed).map { ready, signed in
            let (request, name) = (ready.queued.request, ready.queued.name)
            telling.sending(request.label, signed.hash)
            nextNonce = max(nextNonce, signed.transaction.nonce &+ 1)
            let outgoing = Outgoing(
                label: request.label, id: request.id, name: name,
                versions: [.init(hash: signed.hash, signed: signed)], deadline: .now + policy.timeout,
                l1Fee: ready.prepared.l1Fee)
            outgoing.bumpAt = policy.bumpAfter.map { .now + $0 }
            outgoing.maxFee = request.maxFeePerGas
            return outgoing
        }
    }

    /// Hands transactions over; one that a node will not wait for, a second time without.
    @discardableResult
    private func handOver(_ outgoing: [Outgoing], waits: Bool, _ flight: Flight) throws -> [Submission] {
        let node = try node.get()
        let isWaitedFor = outgoing.count == 1 && policy.confirmations <= 1 && !policy.isAsynchronous
        var submissions = flight.handOver(outgoing, waits: waits && isWaitedFor && traits.waitsForBlocks, to: node)
        if case .doesNotWait? = submissions.last {
            traits.waitsForBlocks = false
            submissions = flight.handOver(outgoing, to: node)
        }
        for (outgoing, submission) in zip(outgoing, submissions) {
            guard case .doubtful(let reason) = submission else { continue }
            telling.warning("whether \(outgoing.newest?.hash.hex ?? "") was taken is not known: \(reason)")
        }
        return submissions
    }

    /// Notes that a transaction was not taken, because another has its nonce.
    private func withdraw(_ outgoing: Outgoing) throws {
        guard let signed = outgoing.signed else { return }
        nextNonce = max(nextNonce, signed.transaction.nonce &+ 1)
        if let name = outgoing.name { try journal?.noteRefusal(of: signed, for: name) }
        outgoing.removeNewest()
    }

    private func replace(_ outgoing: Outgoing, by signed: SignedTransaction) throws {
        if let name = outgoing.name { try journal?.note([(name, nil, signed)]) }
        telling.sending(outgoing.label, signed.hash)
        outgoing.add(signed)
    }

    /// Claims the nonces of the key on a chain.
    ///
    /// - Returns: false as long as another program has them.
    /// - Throws: ``SendError/keyInUse(_:)`` once that has taken as long as a transaction may.
    private func takeLock(_ chainId: UInt64) throws -> Bool {
        if lock != nil { return true }
        lock = try NonceLock.acquire("teebridge/tx-send/\(chainId)/\(key.address.hex)")
        if lock != nil {
            lockedSince = nil
            return true
        }
        let since = lockedSince ?? .now
        lockedSince = since
        guard ContinuousClock.now - since < policy.timeout else { throw SendError.keyInUse(key.address) }
        return false
    }
}

extension Sender {
    /// Takes up the first of the requests that the journal knows, and removes them from the queue.
    private func resume(_ queue: inout ArraySlice<Queued>, _ flight: Flight) throws {
        while let queued = queue.first, let entry = entry(of: queued), flight.room > 0 {
            if let record = entry.record {
                flight.add(try SentRecord(stored: record))
            } else if let newest = entry.versions.last {
                guard try takeLock(newest.transaction.chainId) else { return }
                let outgoing = Outgoing(
                    label: queued.request.label, id: queued.request.id, name: queued.name,
                    versions: entry.versions.map { .init(hash: $0.hash, signed: $0) }, deadline: .now + policy.timeout)
                outgoing.bumpAt = policy.bumpAfter.map { .now + $0 }
                outgoing.maxFee = queued.request.maxFeePerGas
                outgoing.mayBeSent = true
                nextNonce = max(nextNonce, newest.transaction.nonce &+ 1)
                telling.sending(queued.request.label, newest.hash)
                flight.add(outgoing)
            }
            queue.removeFirst()
        }
    }

    private func entry(of queued: Queued) -> Journal.Entry? { queued.name.flatMap { journal?[$0] } }

    /// Sends the transaction with the lowest nonce once more, with higher fees, if it is time to.
    func bump(_ flight: Flight) {
        guard let period = policy.bumpAfter else { return }
        let stuck = flight.waiting.filter { $0.receipt == nil && $0.mayBeSent && $0.overtaken == nil }
            .min { ($0.nonce ?? .max) < ($1.nonce ?? .max) }
        guard let stuck, let signed = stuck.signed, let time = stuck.bumpAt, ContinuousClock.now >= time else { return }
        stuck.bumpAt = .now + period
        do {
            let history = try node.get().ask(.feeHistory, patience: .zero)
            let limits = [policy.fees.maxFee, stuck.maxFee].compactMap(\.self)
            let rules = FeeRules(maxFee: limits.min(), leastTip: policy.fees.leastTip)
            guard let (tip, most) = rules.raised(signed.transaction, after: history) else {
                stuck.bumpAt = nil
                telling.warning("\(signed.hash) waits, and its limit allows no higher fees (--max-fee, maxFeePerGas)")
                return
            }
            var transaction = signed.transaction
            (transaction.maxPriorityFeePerGas, transaction.maxFeePerGas) = (tip, most)
            try replace(stuck, by: transaction.signed(by: key))
            flight.handOver([stuck], to: try node.get())
        } catch {
            telling.warning("\(signed.hash) waits, and could not be sent with higher fees: \(error)")
        }
    }
}

extension [Preparation] {
    /// The first that can be sent.
    fileprivate var firstReady: Prepared? {
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
