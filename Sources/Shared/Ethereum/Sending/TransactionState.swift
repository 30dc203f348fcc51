/// The life of the transactions that were signed for one request, with one nonce, so that a block can have one at most.
///
/// The one rule is ``observe(_:confirmations:)``, a pure function of the state and of what was seen. A verdict against a
/// transaction needs the other one with its nonce, in a block that a node shows. Until then the outcome is open.
package enum TransactionState: Hashable, Sendable {
    /// In the journal, and given to no node.
    case signed
    /// Given to a node, and in no block.
    case offered(Claim)
    /// In a block, with this many blocks from its own on; 0 where the chain has no such block yet, and a node promises it.
    case mined(depth: UInt64)
    /// The account has used its nonce, and no node has shown the transaction that did.
    case overtaken(Claim)
    /// Another transaction of the sender has its nonce, in a block with this many from it on.
    case replaced(block: UInt64, depth: UInt64, Claim)
    /// A node does not take it: a rule forbids that.
    case rejected

    /// What nodes have said of the nonce when they were given the transaction.
    package enum Claim: Hashable, Sendable {
        /// Nothing to rely on: an answer was lost, or an earlier run ended.
        case unanswered
        /// Each that another transaction has it: all have rejected this one.
        case nonceTaken
        /// One that it has the transaction, and one that another transaction has the nonce: only a block decides.
        case disputed
        /// That it has the transaction.
        case accepted

        /// Once a node says that it has the transaction.
        var accepting: Claim { self == .nonceTaken || self == .disputed ? .disputed : .accepted }
    }

    /// What a node says when it is given a transaction.
    package enum Answer: Hashable, Sendable {
        /// It has the transaction.
        case accepted
        /// No answer came, or one that is not known.
        case doubtful
        /// Another transaction has the nonce.
        case nonceTaken
        /// Not now: it may be asked again.
        case postponed
        /// A rule of the node forbids the transaction.
        case rejected
    }

    /// What a node says of transactions that are under way.
    package struct Poll: Hashable, Sendable {
        /// The number of the newest block.
        package var head: UInt64
        /// The block that has one of the transactions, by its receipt.
        package var block: UInt64?
        /// Whether the account has used the nonce.
        package var isOvertaken: Bool
        /// Whether the node knows the newest of them, in a block or waiting; nil if that was not asked.
        package var isKnown: Bool?

        package init(head: UInt64, block: UInt64?, isOvertaken: Bool, isKnown: Bool? = nil) {
            (self.head, self.block, self.isOvertaken, self.isKnown) = (head, block, isOvertaken, isKnown)
        }
    }

    /// What was seen.
    package enum Observation: Hashable, Sendable {
        /// What a node answered when it was given the transaction.
        case answered(Answer)
        /// What a poll showed.
        case polled(Poll)
        /// The search for the transaction that has the nonce showed none.
        case foundNone
        /// It showed one of ours, in a block.
        case foundOwn
        /// It showed another one, in this block; `head` is the newest.
        case foundOther(block: UInt64, head: UInt64)
    }

    /// What is to be done next.
    package enum Step: Hashable, Sendable {
        /// Poll again, after a while.
        case wait
        /// Hand the newest of the transactions over.
        case handOver
        /// Look for the transaction that has the nonce.
        case search
        /// Nothing: the outcome is known.
        case settle(Verdict)
    }

    /// An outcome.
    package enum Verdict: Hashable, Sendable {
        /// In a block, and confirmed.
        case mined
        /// Another transaction has the nonce, and this one may have been with a node: nothing is sent in its place.
        case replaced
        /// Another transaction had the nonce before any node took this one: the request may be signed again.
        case lost
        /// A rule forbids it, and no node knows it.
        case rejected
    }

    /// What is known of a transaction that the journal of an earlier run has.
    package static let resumed = TransactionState.offered(.unanswered)

    /// What nodes have said of the nonce; nil as long as none was given the transaction.
    private var claim: Claim? {
        switch self {
        case .signed, .rejected: nil
        case .offered(let claim), .overtaken(let claim), .replaced(_, _, let claim): claim
        case .mined: .accepted
        }
    }

    /// Whether a node may have it.
    package var mayBeMined: Bool { claim != nil }

    /// Whether the nonce is claimed, so that the transaction of the next request can be signed on top of it.
    package var hasClaim: Bool { if case .mined = self { true } else { self == .offered(.accepted) } }

    /// Whether the chain that a node shows has it in a block.
    package var isInChain: Bool { if case .mined(let depth) = self { depth > 0 } else { false } }

    /// Takes an observation, and returns the next step. `confirmations` is how many blocks from a transaction's own on make
    /// an outcome of it; with 0 a promise is one.
    package mutating func observe(_ observation: Observation, confirmations: UInt64) -> Step {
        switch observation {
        case .answered(let answer): note(answer)
        case .polled(let poll): return note(poll, confirmations)
        case .foundNone: break
        case .foundOwn: self = .overtaken(.accepted)
        case .foundOther(let block, let head):
            let (depth, claim) = (Self.depth(of: block, below: head), claim ?? .nonceTaken)
            self = .replaced(block: block, depth: depth, claim)
            if depth >= max(confirmations, 1) { return .settle(claim == .nonceTaken ? .lost : .replaced) }
        }
        return .wait
    }

    private mutating func note(_ answer: Answer) {
        let next: Claim
        switch answer {
        case .postponed: return
        case .rejected:
            if claim == nil { self = .rejected }
            return
        case .accepted: next = claim?.accepting ?? .accepted
        case .doubtful: next = claim == .nonceTaken ? .disputed : claim ?? .unanswered
        case .nonceTaken: next = claim == .unanswered ? .disputed : claim ?? .nonceTaken
        }
        switch self {
        case .signed, .offered, .rejected: self = .offered(next)
        case .overtaken: self = .overtaken(next)
        case .replaced(let block, let depth, _): self = .replaced(block: block, depth: depth, next)
        case .mined: break
        }
    }

    private mutating func note(_ poll: Poll, _ confirmations: UInt64) -> Step {
        if let block = poll.block {
            let depth = Self.depth(of: block, below: poll.head)
            self = .mined(depth: depth)
            return depth >= confirmations ? .settle(.mined) : .wait
        }
        let claim = poll.isKnown == true ? (claim ?? .unanswered).accepting : claim
        if poll.isOvertaken {
            guard case .replaced(let block, _, _) = self else {
                self = .overtaken(claim ?? .nonceTaken)
                return .search
            }
            // The block may have been undone since: it is looked at again before that is a verdict.
            let depth = Self.depth(of: block, below: poll.head)
            self = .replaced(block: block, depth: depth, claim ?? .nonceTaken)
            return depth >= max(confirmations, 1) ? .search : .wait
        }
        guard let claim else { return self == .rejected ? .settle(.rejected) : .handOver }
        self = .offered(claim)
        return poll.isKnown == false ? .handOver : .wait
    }

    /// How many blocks there are from one on, itself counted; 0 if the chain does not reach it: nodes behind a balancer may
    /// differ, and some promise blocks.
    private static func depth(of block: UInt64, below head: UInt64) -> UInt64 {
        guard head >= block else { return 0 }
        return head - block == .max ? .max : head - block + 1
    }
}
