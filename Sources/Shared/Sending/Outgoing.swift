import BigInt
import Node
import Primitives
import Transactions

/// A request whose transaction may be on its way, until its outcome is known.
final class Outgoing {
    /// A transaction for the request: the first, or one with higher fees that takes its place.
    struct Version {
        let hash: Bytes32
        /// Absent where only the hash is known.
        let signed: SignedTransaction?
    }

    /// What the request is called.
    let label: String?
    let id: String?
    /// The request's name in the journal, if there is one.
    let name: String?
    /// Oldest first; each of them may be the one that gets into a block.
    private(set) var versions: [Version]
    /// Until when the outcome is waited for.
    let deadline: ContinuousClock.Instant
    /// What a rollup takes for it, in wei.
    let l1Fee: Quantity

    /// Whether a node said that it has it.
    var isAccepted = false
    /// Whether a node may have it: false before it was first handed over.
    var mayBeSent = false
    /// Why it is not known whether a node has it.
    var doubt: String?
    /// Why no node has it, as long as none may.
    var refusal: (any Error)?
    /// Whether no node ever will.
    var isRefused = false
    /// Its receipt, as long as it is in a block.
    var receipt: Receipt?
    /// How many blocks there are from its own on.
    var confirmations: UInt64 = 0
    /// What is said when the time is up.
    var state = "it is in no block yet"
    /// When the newest version was handed over last.
    var sentAt: ContinuousClock.Instant?
    /// When a node was asked last whether it knows the newest version.
    var askedAt: ContinuousClock.Instant?
    /// Since when its nonce is used by a transaction that is none of these, and in how many looks that was seen.
    var overtaken: (since: ContinuousClock.Instant, looks: Int)?
    /// The most that its request lets a unit of gas cost.
    var maxFee: Quantity?
    /// When it is sent with higher fees, if it is in no block until then.
    var bumpAt: ContinuousClock.Instant?

    init(
        label: String?, id: String?, name: String? = nil, versions: [Version], deadline: ContinuousClock.Instant,
        l1Fee: Quantity = .zero
    ) {
        self.label = label
        self.id = id
        self.name = name
        self.versions = versions
        self.deadline = deadline
        self.l1Fee = l1Fee
    }

    /// The newest of the transactions; there is always one.
    var newest: Version? { versions.last }

    /// The newest of the transactions, if more than its hash is known.
    var signed: SignedTransaction? { versions.last?.signed }

    /// Whether a node may have it by this run's own doing, or is known to have it.
    var isHandedOver: Bool { mayBeSent && (isAccepted || sentAt != nil) }

    var nonce: UInt64? { signed?.transaction.nonce }

    /// What it may still cost, in wei.
    var maxCost: BigUInt { receipt == nil ? (signed?.transaction.maxCost ?? 0) + l1Fee.value : 0 }

    func add(_ signed: SignedTransaction) { versions.append(Version(hash: signed.hash, signed: signed)) }

    /// Forgets the newest, which no node took and none will.
    func removeNewest() {
        versions.removeLast()
        (sentAt, refusal) = (nil, nil)
    }

    /// Notes that it is in a block.
    func take(_ receipt: Receipt) {
        self.receipt = receipt
        confirmations = max(confirmations, 1)
        isAccepted = true
        doubt = nil
        overtaken = nil
    }

    /// Notes what a node said when the newest version was handed over.
    func note(_ submission: Submission) {
        sentAt = .now
        switch submission {
        case .accepted:
            (isAccepted, mayBeSent, doubt) = (true, true, nil)
        case .mined(let receipt):
            mayBeSent = true
            take(receipt)
        case .doubtful(let reason):
            (mayBeSent, doubt) = (true, reason)
        case .postponed(let failure), .refused(let failure):
            if case .refused = submission { isRefused = !mayBeSent }
            refusal = failure
            if mayBeSent { doubt = failure.description }
        case .nonceTaken(let failure):
            refusal = failure
        case .doesNotWait:
            sentAt = nil
        }
    }

    /// Its record without what depends on the outcome.
    func record(_ status: SentRecord.Status) -> SentRecord {
        var record = SentRecord(label: label, id: id, status)
        record.transactionHash = (receipt?.transactionHash ?? newest?.hash)
        return record
    }

    /// The record of a transaction whose outcome is not known: with its bytes, so that somebody else can go on.
    var pendingRecord: SentRecord {
        var record = record(.pending)
        record.receipt = receipt
        record.raw = receipt == nil ? signed?.raw : versions.first { $0.hash == receipt?.transactionHash }?.signed?.raw
        record.doubt = doubt ?? state
        return record
    }
}
