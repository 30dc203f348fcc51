import EthereumNode
import Failures
import Preparation
import Primitives
import Transactions

/// A request on its way: to be signed, in flight with the transactions that were signed for it, or done.
final class PendingTransaction {
    /// A transaction for the request: the first, or one that takes its place.
    struct Version {
        let hash: Bytes32
        /// Absent where only the hash is known.
        let signed: SignedTransaction?
    }

    /// How far the request is.
    enum Phase {
        /// To be signed, for the first time or anew; or, without a request, to be watched.
        case queued
        case inFlight
        case done(SentRecord)
    }

    /// Its names, in records and in the journal.
    let label, id, name: String?
    /// The request; nil where only its transaction is known.
    let request: TransactionRequest?
    var phase = Phase.queued
    /// Oldest first. The newest of one nonce each may be the one that gets into a block.
    private(set) var versions: [Version] = []

    var state = TransactionState.signed
    /// Whether an earlier run signed the newest.
    private(set) var isResumed = false
    /// Until when the outcome is waited for.
    private(set) var deadline = ContinuousClock.Instant.now
    /// When it is sent with higher fees, if it is in no block until then.
    var bumpAt: ContinuousClock.Instant?
    /// When it is to be handed over again, if a poll asked for that too early.
    var handOverDue: ContinuousClock.Instant?
    /// What a rollup takes for it, in wei.
    private var l1Fee: UInt256 = 0
    /// Its receipt, as long as it is in a block.
    var receipt: Receipt?
    /// The other transaction that a block was seen to have with its nonce.
    var rival: Bytes32?
    /// Why the outcome is not known.
    var doubt = ""
    /// Why no node has it, as long as none may.
    var failure: (any UserFacingError)?
    /// When last the newest version was handed over, a node was asked whether it knows it, and its nonce was searched for.
    var sentAt, askedAt, searchedAt: ContinuousClock.Instant?

    init(_ request: TransactionRequest, name: String?) {
        (self.request, label, id) = (request, request.label, request.id)
        self.name = name
    }

    /// What a record of somebody else's says.
    ///
    /// - Throws: ``SendError/notPending`` for a pending one whose transaction is not clear; `TransactionError`.
    init(_ record: SentRecord) throws {
        (label, id, name, request) = (record.label, record.id, nil, nil)
        guard record.status == .pending else {
            phase = .done(record)
            return
        }
        let signed = try record.raw.map { raw throws(TransactionError) in try SignedTransaction(raw: raw) }
        guard let hash = record.transactionHash ?? signed?.hash, signed.map({ $0.hash == hash }) ?? true else {
            throw SendError.notPending
        }
        versions = record.versions.filter { $0 != hash }.map { Version(hash: $0, signed: nil) }
        versions.append(Version(hash: hash, signed: signed))
    }

    /// Puts it in flight, with the newest of its versions.
    func start(_ state: TransactionState, l1Fee: UInt256, _ policy: SendPolicy) {
        (phase, self.state, isResumed, self.l1Fee) = (.inFlight, state, state != .signed, l1Fee)
        (receipt, rival, failure, searchedAt, doubt) = (nil, nil, nil, nil, "it is not in a block yet")
        deadline = .now + policy.timeout
        bumpAt = policy.bumpAfter.map { .now + $0 }
    }

    /// Adds a version, to be handed over next.
    func add(_ signed: SignedTransaction) {
        versions.append(Version(hash: signed.hash, signed: signed))
        (sentAt, askedAt) = (nil, nil)
    }

    var isQueued: Bool { if case .queued = phase { true } else { false } }
    var isInFlight: Bool { if case .inFlight = phase { true } else { false } }
    /// The newest of the transactions, if more than its hash is known.
    var signed: SignedTransaction? { versions.last?.signed }
    var nonce: UInt64? { signed?.transaction.nonce }
    /// The versions with the nonce of the newest, oldest first: one of them may be mined.
    var offers: [Version] { versions.filter { $0.signed?.transaction.nonce == nonce } }
    /// What it may still cost, in wei; `UInt256.max` if that is more than any account has.
    var maxCost: UInt256 { state.isInChain ? 0 : (signed?.transaction.maxCost ?? 0).adding(l1Fee) ?? .max }

    /// The request as it is prepared: after a transaction that a rule forbade, with its nonce.
    var draft: TransactionRequest? {
        var draft = request
        if state == .rejected { draft?.nonce = nonce }
        return draft
    }

    /// Whether it is time to ask if a node still has it: one that has taken it is believed to keep it for a while.
    var mayBeForgotten: Bool {
        guard state == .offered(.accepted), let time = [askedAt, sentAt].compactMap(\.self).max() else { return true }
        return .now - time >= .seconds(3)
    }

    /// When it may be handed over: at once the first time, and only now and then if another has its nonce.
    var mayBeHandedOverAt: ContinuousClock.Instant {
        let isTaken = state == .offered(.nonceTaken) || state == .offered(.disputed)
        return sentAt.map { $0 + (isTaken ? .seconds(3) : .milliseconds(500)) } ?? .now
    }

    /// Its record, without what is known of its revert or its contract.
    func record(_ status: SentRecord.Status) -> SentRecord {
        var record = SentRecord(label: label, id: id, status)
        record.transactionHash = receipt?.transactionHash ?? versions.last?.hash
        record.receipt = receipt
        return record
    }

    /// The record of a transaction whose outcome is not known: with its bytes, so that another run can continue.
    var pendingRecord: SentRecord {
        var record = record(.pending)
        record.raw = versions.last { $0.hash == record.transactionHash }?.signed?.raw
        record.doubt = doubt
        record.versions = offers.count > 1 ? offers.map(\.hash) : []
        return record
    }
}
