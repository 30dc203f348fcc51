package import ABI
package import Failures
package import Preparation
package import Primitives

/// How requests are sent, and when they count as done.
package struct SendPolicy: Sendable {
    /// How many blocks make an outcome of what a block shows, its own included.
    package var confirmations: UInt64 = 1
    /// How long the outcome of a transaction is waited for.
    package var timeout = Duration.seconds(120)
    /// The chain that the operator named; any, if nil.
    package var chainId: UInt64?
    /// What gas may cost.
    package var fees = FeeRules()
    /// How many transactions may be in flight.
    package var inFlight = 16
    /// After how long a transaction that is in no block is sent with higher fees; nil for never. At least a second.
    package var bumpAfter: Duration?
    /// Whether a transaction is waited for only until a node has it.
    package var isAsynchronous = false
    /// The events and errors that a journal's records show by name.
    package var interface = ContractABI([])

    package init() {}
}

/// Receives reports on the progress.
package protocol SendObserver: AnyObject {
    /// A transaction is about to be handed to a node.
    func sending(label: String?, hash: Bytes32)
    /// Something is unusual, and work continues.
    func warning(_ text: String)
    /// How far the run has come.
    func progress(_ progress: Progress)
}

/// How far a run has come.
package struct Progress: Equatable, Sendable {
    /// How many transactions were handed to a node.
    package var sent = 0
    /// How many of them have an outcome.
    package var done = 0
    /// How many of them are waited for.
    package var waiting = 0
    /// What was paid for gas, in wei.
    package var fee: UInt256 = 0
}

/// What a run takes in, and how it learns that it should end.
package protocol RequestStream<Document> {
    /// What is read: a request, or what one is made from.
    associatedtype Document
    /// What has come, waiting for it; nil at the end. Throws what reading the input throws.
    func read() throws -> [Document]?
    /// Waits for the time, or without end, until a signal comes or, if asked for, something can be read: whether it can.
    func wait(_ time: Duration?, forInput: Bool) -> Bool
    /// How often the run was asked to end: at first it takes in nothing more, then it ends.
    var stopCount: Int { get }
}

/// Why a transaction was not sent, or why its outcome is not known.
package enum SendError: UserFacingError, Equatable {
    /// The node did not take the transaction.
    case rejected(message: String)
    /// Another program of this machine is sending with the key.
    case keyInUse(Address)
    /// A request names a nonce that is not above those of the requests before it.
    case outOfOrder(nonce: UInt64, least: UInt64)
    /// Other machines used the nonce first, again and again.
    case outrun(Address)
    /// A record of a pending transaction that names none, or whose bytes are another's.
    case notPending

    package var kind: ErrorCategory {
        switch self {
        case .notPending, .outOfOrder: .badInput
        case .rejected, .keyInUse, .outrun: .serviceFailed
        }
    }

    package var description: String {
        switch self {
        case .rejected(let message): "the node rejected the transaction: \(message.quoted(limit: 200))"
        case .keyInUse(let sender): "another tx-send is sending with the key of \(sender)"
        case .outOfOrder(let nonce, let least):
            "a request has nonce \(nonce), but those before it used every nonce below \(least)"
        case .outrun(let sender): "other machines sending with the key of \(sender) take every nonce first"
        case .notPending: "a pending record needs the transactionHash of its raw transaction"
        }
    }

    package var hints: [String] {
        switch self {
        case .rejected: ["check the request: --dry-run shows what it would do and cost"]
        case .keyInUse: ["wait until the other one ends: both would use the same nonces"]
        case .outOfOrder: ["put the requests in nonce order"]
        case .outrun: ["let only one machine send at a time"]
        case .notPending: ["give --wait the records as tx-send printed them"]
        }
    }
}
