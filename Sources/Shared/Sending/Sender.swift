import ABI
import Files
package import Node
import Parallel
import Primitives
package import Secp256k1
import TEEBridge
package import Transactions

/// Signs requests with one key, sends them, and waits until they are in blocks.
package final class Sender {
    let key: SecretKey
    let policy: SendPolicy
    let journal: Journal?
    let telling: Telling
    let node: LazyNode
    var traits = NodeTraits()
    /// The nonce after those that this run has used.
    var nextNonce: UInt64 = 0
    /// The chain, once it is known.
    var chainId: UInt64?
    /// Held from before the nonce is asked until a node has what was signed, so that no other program of this
    /// machine signs the same nonce.
    var lock: NonceLock?
    /// Since when another program has the lock.
    var lockedSince: ContinuousClock.Instant?
    /// How often another machine was faster with a nonce.
    var raceCount = 0
    /// Whether nothing more can be prepared before everything that is under way has arrived.
    var isBarred = false

    /// - Parameters:
    ///   - journal: where each transaction is noted before it is sent.
    ///   - makeNode: gives the node; not called where nothing need be asked, and at most once.
    /// - Throws: ``JournalError/foreign(path:what:)``.
    package init(
        key: consuming SecretKey, policy: SendPolicy, journal: Journal? = nil, telling: Telling = Telling(),
        makeNode: @escaping () throws -> Node
    ) throws {
        self.key = key
        self.policy = policy
        self.journal = journal
        self.telling = telling
        node = LazyNode(make: makeNode)
        chainId = try journal?.chainId(of: self.key.address, expected: policy.chainId) ?? policy.chainId
    }

    /// Sends requests as they come, and tells what became of each, in their order.
    ///
    /// Nothing more is sent after the first request that fails, or once the feed says that the run should end; what
    /// was sent until then is still waited for, and told.
    /// - Returns: whether all requests were taken in.
    /// - Throws: ``SendError``, `NodeError`, and what the feed throws, about a request that was not sent; what
    ///   `report` throws.
    package func send(_ feed: Feed<TransactionRequest>, report: (SentRecord) throws -> Void) throws -> Bool {
        let node = node
        let flight = Flight(policy: policy, journal: journal, telling: telling) { try node.get() }
        defer { lock = nil }
        let journal = journal
        let named = Feed<Queued>(
            read: {
                try feed.read()?.map { Queued(request: $0, name: try journal?.name(of: $0)) }
            }, wait: feed.wait, stops: feed.stops)
        return try flight.run(named) { queue, isLast in
            try begin(&queue, flight, isLast: isLast)
        } tend: {
            bump(flight)
            if flight.isAccepted { lock = nil }
        } report: { record in
            try report(record)
        }
    }

    /// Signs requests and sends nothing.
    ///
    /// - Parameter report: gets a record for each, with the signed bytes: signed, skipped, or reverted if it would
    ///   revert. Nothing follows one that would.
    /// - Throws: as ``send(_:report:)``.
    package func sign(_ requests: [TransactionRequest], report: (SentRecord) throws -> Void) throws {
        let wave = try wave(of: requests, for: .signing)
        for case .ready(let prepared) in wave.preparations { nextNonce = prepared.transaction.nonce &+ 1 }
        try tell(Self.signed(requests, wave, by: key), of: requests, wave, report)
    }

    private static func signed(
        _ requests: [TransactionRequest], _ wave: Wave, by key: borrowing SecretKey
    ) -> [SentRecord?] {
        records(of: requests, wave) { request, prepared in
            let signed = prepared.transaction.signed(by: key)
            var record = SentRecord(label: request.label, id: request.id, .signed)
            record.transactionHash = signed.hash
            record.raw = signed.raw
            return record
        }
    }

    /// Asks what requests would do and cost, one on top of the other, and signs and sends nothing.
    ///
    /// - Parameter report: gets a record for each: simulated, skipped, or reverted if it would revert. Nothing
    ///   follows one that would.
    /// - Throws: as ``send(_:report:)``.
    package func simulate(_ requests: [TransactionRequest], report: (SentRecord) throws -> Void) throws {
        let wave = try wave(of: requests, for: .dryRun)
        let records = Self.records(of: requests, wave) { request, prepared in
            var record = SentRecord(label: request.label, id: request.id, .simulated)
            record.estimate = (
                prepared.gasUsed ?? prepared.transaction.gasLimit, (try? Quantity(prepared.maxCost)) ?? .zero
            )
            record.l1Fee = prepared.l1Fee == .zero ? nil : prepared.l1Fee
            return record
        }
        try tell(records, of: requests, wave, report)
    }

    private func wave(of requests: [TransactionRequest], for purpose: Purpose) throws -> Wave {
        try preparer(for: purpose).prepare(
            requests, after: Standing(leastNonce: nextNonce), learning: &traits, asking: node.get)
    }

    /// The records of what was prepared; nil for a request of which nothing can be told.
    ///
    /// - Parameter record: makes the record of one that is ready.
    private static func records(
        of requests: [TransactionRequest], _ wave: Wave,
        _ record: @Sendable (TransactionRequest, Prepared) -> SentRecord
    ) -> [SentRecord?] {
        Array(zip(requests, wave.preparations)).mapInParallel { request, preparation in
            switch preparation {
            case .ready(let prepared): record(request, prepared)
            case .needless: SentRecord(label: request.label, id: request.id, .skipped)
            case .reverts(let data): .reverting(request, with: data)
            case .waits: nil
            }
        }
    }

    private func tell(
        _ records: [SentRecord?], of requests: [TransactionRequest], _ wave: Wave, _ report: (SentRecord) throws -> Void
    ) throws {
        for (request, record) in zip(requests, records) {
            guard let record else { throw SendError.dependent(label: request.label) }
            try report(record)
        }
        if let failure = wave.failure { throw failure }
    }

    func preparer(for purpose: Purpose) -> Preparer {
        Preparer(sender: key.address, chainId: chainId, fees: policy.fees, purpose: purpose)
    }
}

/// A node that is made when it is needed.
final class LazyNode {
    private let make: () throws -> Node
    private var made: Node?

    init(make: @escaping () throws -> Node) { self.make = make }

    func get() throws -> Node {
        if let made { return made }
        let node = try make()
        made = node
        return node
    }
}

extension SentRecord {
    /// The record of a request that was not sent, because it would revert.
    static func reverting(_ request: TransactionRequest, with data: [UInt8]) -> SentRecord {
        var record = SentRecord(label: request.label, id: request.id, .reverted)
        record.revert = TEEBridge.answers.decodeRevert(data)
        record.revertBytes = data
        record.selector = request.to == nil ? nil : try? Selector(request.data.prefix(Selector.byteCount))
        return record
    }
}
