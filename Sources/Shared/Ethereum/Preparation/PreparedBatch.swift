package import Primitives
package import Transactions

/// What a request comes to before anything is signed.
package enum PreparationResult: Equatable, Sendable {
    /// Its precondition holds: there is nothing to do.
    case skipped
    /// It would revert with these bytes.
    case reverts([UInt8])
    /// It can be signed and sent.
    case ready(PreparedTransaction)
    /// What it comes to can only be told once everything before it is in a block.
    case deferred

    /// Whether nothing is known about the requests after this one.
    var endsBatch: Bool {
        switch self {
        case .reverts, .deferred: true
        case .skipped, .ready: false
        }
    }
}

/// What the first of several requests come to.
package struct PreparedBatch {
    /// In their order. The list ends after the first request that is neither ready nor skipped: what comes after it
    /// cannot be told yet.
    package var preparations: [PreparationResult] = []
    /// Why nothing is known about the request after those.
    package var failure: (any Error)?
    /// Why the sender cannot pay for all of them, where that is looked at and does not end the batch.
    package var shortage: PreparationError?
}

/// A complete transaction, and what is known of its cost.
package struct PreparedTransaction: Equatable, Sendable {
    /// What is to be signed.
    package var transaction: FeeMarketTransaction
    /// The gas that it uses now, if that was asked.
    package var gasUsed: UInt64?
    /// What a rollup takes for publishing it on its parent chain, in wei.
    package var l1Fee: UInt256
    /// What the sender lacks for it and those before it, in wei; nil if nothing, or where that ends the batch.
    package var shortfall: UInt256?

    package init(_ transaction: FeeMarketTransaction, gasUsed: UInt64? = nil, l1Fee: UInt256 = 0) {
        self.transaction = transaction
        self.gasUsed = gasUsed
        self.l1Fee = l1Fee
    }

    /// What it costs at most, in wei: its value, all of its gas at its highest price, and the rollup's fee;
    /// `UInt256.max` if that is more than any account has.
    package var maxCost: UInt256 { transaction.maxCost.adding(l1Fee) ?? .max }
}

extension FeeMarketTransaction {
    /// What the transaction costs at most on its own chain, in wei: its value, and all of its gas at its highest
    /// price; `UInt256.max` if that is more than any account has.
    package var maxCost: UInt256 { maxFeePerGas.multiplied(by: gasLimit)?.adding(value) ?? .max }
}

/// What was sent before the requests that are prepared.
package struct AccountUsage: Sendable {
    /// The nonce after those that this run has used.
    package var leastNonce: UInt64
    /// What the transactions that are in no block yet may cost, in wei; `UInt256.max` if that is more than any account has.
    package var cost: UInt256
    /// Whether there are such transactions.
    package var isWaiting: Bool

    package init(leastNonce: UInt64 = 0, cost: UInt256 = 0, isWaiting: Bool = false) {
        self.leastNonce = leastNonce
        self.cost = cost
        self.isWaiting = isWaiting
    }
}

/// What has been learned about a node while talking to it.
package struct NodeCapabilities: Sendable {
    /// Whether it offers eth_simulateV1; nil as long as that is not known.
    package var simulates: Bool?
    /// Whether it lets eth_call assume code; nil as long as that is not known.
    package var bundles: Bool?
    /// Whether its chain may be a rollup that takes a fee for its parent chain.
    package var hasL1Fee = true

    package init() {}

    /// Whether the node tries requests one on top of the other, in one way or the other.
    var triesTogether: Bool { simulates == true || bundles == true }
}
