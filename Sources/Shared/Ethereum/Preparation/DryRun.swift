package import EthereumNode
package import Primitives
import Processes
package import Secp256k1
package import Transactions

/// Prepares requests and sends nothing: each is tried on top of those before it, and costed or signed.
package final class DryRun {
    /// The key to sign with; nil where the requests are costed.
    private let key: SecretKey?
    private let preparer: Preparer
    private let makeNode: () throws -> EthereumNode
    private lazy var node = Result { try makeNode() }
    private var capabilities = NodeCapabilities()
    /// What those that were prepared would use.
    private var usage = AccountUsage()

    /// Signs the requests.
    ///
    /// - Parameters:
    ///   - chainId: the chain that the operator named; any, if nil.
    ///   - makeNode: gives the node; not called where nothing need be asked, and at most once.
    package init(
        signingWith key: consuming SecretKey, chainId: UInt64?, fees: FeeRules = FeeRules(),
        makeNode: @escaping () throws -> EthereumNode
    ) {
        preparer = Preparer(sender: key.address, chainId: chainId, fees: fees, purpose: .signing)
        self.key = consume key
        self.makeNode = makeNode
    }

    /// Tells what the requests would use and cost.
    ///
    /// - Parameters:
    ///   - sender: the account that would send them.
    ///   - chainId, makeNode: as for signing.
    package init(
        from sender: Address, chainId: UInt64?, fees: FeeRules = FeeRules(),
        makeNode: @escaping () throws -> EthereumNode
    ) {
        preparer = Preparer(sender: sender, chainId: chainId, fees: fees, purpose: .dryRun)
        key = nil
        self.makeNode = makeNode
    }

    /// Prepares requests that are to be sent in this order.
    ///
    /// - Parameter report: gets a record for each: signed or simulated, skipped, or reverted if it would revert.
    ///   Nothing follows one that would.
    /// - Throws: ``PreparationError``, `NodeError`, and what `report` throws;
    ///   ``PreparationError/insufficientFunds(sender:balance:needed:)`` after all records, which then tell it too.
    package func run(_ requests: [TransactionRequest], report: (SentRecord) throws -> Void) throws {
        let batch = try preparer.prepare(requests, after: usage, learning: &capabilities) { try node.get() }
        for case .ready(let prepared) in batch.preparations {
            usage.leastNonce = prepared.transaction.nonce &+ 1
            usage.cost = usage.cost.adding(prepared.maxCost) ?? .max
        }
        for (request, record) in zip(requests, Self.records(of: requests, batch, key)) {
            guard let record else { throw PreparationError.dependent(label: request.label) }
            try report(record)
        }
        if let failure = batch.failure ?? batch.shortage { throw failure }
    }

    /// The records of what was prepared; nil for a request of which nothing can be said.
    private static func records(
        of requests: [TransactionRequest], _ batch: PreparedBatch, _ key: borrowing SecretKey?
    ) -> [SentRecord?] {
        Array(zip(requests, batch.preparations)).mapInParallel { request, preparation in
            switch preparation {
            case .ready(let prepared):
                switch key {
                case .some(let key): .signed(request, prepared, by: key)
                case .none: .simulated(request, prepared)
                }
            case .skipped: SentRecord(label: request.label, id: request.id, .skipped)
            case .reverts(let data): .reverting(request, with: data)
            case .deferred: nil
            }
        }
    }
}

extension SentRecord {
    fileprivate static func signed(
        _ request: TransactionRequest, _ prepared: PreparedTransaction, by key: borrowing SecretKey
    ) -> SentRecord {
        let signed = prepared.transaction.signed(by: key)
        var record = SentRecord(label: request.label, id: request.id, .signed)
        (record.transactionHash, record.raw) = (signed.hash, signed.raw)
        return record
    }

    fileprivate static func simulated(_ request: TransactionRequest, _ prepared: PreparedTransaction) -> SentRecord {
        var record = SentRecord(label: request.label, id: request.id, .simulated)
        let gasUsed = prepared.gasUsed ?? prepared.transaction.gasLimit
        record.estimate = (gasUsed, prepared.maxCost)
        record.l1Fee = prepared.l1Fee == 0 ? nil : prepared.l1Fee
        record.shortfall = prepared.shortfall
        return record
    }
}
