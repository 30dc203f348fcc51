import EthereumNode
import Preparation
import Primitives

/// The requests of a run in their order, each from when it was read until its record was reported.
final class TransactionQueue {
    private let policy: SendPolicy
    private let observer: any SendObserver
    /// Those that were begun with, some of which may have come back to be signed anew, and those behind them.
    private var begun: [PendingTransaction] = []
    private var input: ArraySlice<PendingTransaction> = []
    private var stream: (any RequestStream)?
    var progress = Progress() { didSet { observer.progress(progress) } }
    /// Whether a record means that nothing more should be sent, and the error that means so.
    private var isStopped = false
    private var failure: (any Error)?
    /// Whether all of the input was read.
    private(set) var hasEnded = false
    /// Whether something has changed in this round.
    private(set) var hasMoved = false

    /// How many records may wait for the one of an earlier request.
    private static let mostBegun = 1000

    init(policy: SendPolicy, observer: any SendObserver) { (self.policy, self.observer) = (policy, observer) }

    var isEmpty: Bool { begun.isEmpty && input.isEmpty }
    var hasQueued: Bool { !input.isEmpty || begun.contains(where: \.isQueued) }
    var inFlight: [PendingTransaction] { begun.filter(\.isInFlight) }
    /// Whether the nonce of every transaction in flight is claimed, so that another may be signed on top of them.
    var hasClaims: Bool { inFlight.allSatisfy(\.state.hasClaim) }
    /// Whether nothing more may be signed.
    var isOver: Bool { isStopped || failure != nil }
    /// Whether more may be begun with.
    var takesIn: Bool { stream?.stopCount == 0 && !isOver }

    /// The first of those that are not in flight and not done.
    func queued(_ limit: Int) -> ArraySlice<PendingTransaction> {
        (begun.filter(\.isQueued) + input.prefix(limit)).prefix(limit)
    }

    /// How many more can be sent now.
    var room: Int { begun.count < Self.mostBegun ? max(policy.inFlight - inFlight.count, 0) : 0 }

    /// What was sent before, for those who prepare more.
    func usage(leastNonce: UInt64) -> AccountUsage {
        let cost = inFlight.reduce(UInt256(0)) { $0.adding($1.maxCost) ?? .max }
        return AccountUsage(leastNonce: leastNonce, cost: cost, isWaiting: inFlight.contains { !$0.state.isInChain })
    }

    /// Notes that a request is begun with.
    func begin(_ pending: PendingTransaction) {
        guard input.first === pending else { return }
        begun.append(pending)
        input = input.dropFirst()
    }

    /// Gives a request its record.
    func settle(_ pending: PendingTransaction, _ record: SentRecord) {
        begin(pending)
        pending.phase = .done(record)
        hasMoved = true
        switch record.status {
        case .reverted, .replaced: isStopped = true
        case .pending: isStopped = isStopped || record.doubt != nil
        case .success, .skipped, .simulated, .signed, .called: break
        }
    }

    /// Gives a request the record of its transactions' outcome.
    func finish(_ pending: PendingTransaction, _ record: SentRecord) {
        settle(pending, record)
        progress.done += 1
        guard let receipt = record.receipt, let price = receipt.effectiveGasPrice, let gas = receipt.gasUsed else {
            return
        }
        progress.fee = price.multiplied(by: gas)?.adding(progress.fee) ?? .max
    }

    /// Has a request signed anew, in its place: no node has its transaction, and this run signed nothing behind it.
    func giveBack(_ pending: PendingTransaction) {
        pending.phase = .queued
        hasMoved = true
    }

    /// Leaves out a request that was never sent.
    func fail(_ pending: PendingTransaction?, _ error: any Error) {
        begun.removeAll { $0 === pending }
        failure = failure ?? error
        hasMoved = true
    }

    /// Documents that come within this time of each other are begun with together, up to this many.
    private static let gatherTime = Duration.milliseconds(20)
    private static let mostGathered = 100
    /// How long what cannot be begun yet waits.
    private static let retryTime = Duration.milliseconds(50)

    /// Takes in documents, watches what is in flight, and reports the outcomes, until there is nothing left to do.
    ///
    /// - Parameters:
    ///   - report: gets the records, in the order of their documents.
    ///   - begin: starts work on what is queued, if ``takesIn``; called again and again.
    /// - Returns: whether all documents were accepted.
    /// - Throws: what the closures and the stream throw; what was sent has a record by then, unless `report` throws.
    func run<Document>(
        _ stream: any RequestStream<Document>, watching watcher: TransactionWatcher,
        report: (SentRecord) throws -> Void, parse: (Document) throws -> PendingTransaction, begin: () throws -> Void
    ) throws -> Bool {
        self.stream = stream
        var isComplete = true
        repeat {
            hasMoved = false
            do {
                if takesIn, !hasEnded, !hasQueued { try fill(from: stream, parse) }
                try begin()
            } catch { fail(nil, error) }
            watcher.advance(isLast: stream.stopCount > 1)
            if !takesIn, hasQueued {
                isComplete = false
                begun.removeAll(where: \.isQueued)
                input = []
            }
            progress.waiting = inFlight.count
            while let first = begun.first, case .done(let record) = first.phase {
                begun.removeFirst()
                try report(record)
            }
            rest(stream, until: watcher.nextPoll)
        } while !isEmpty || (takesIn && !hasEnded)
        if let failure { throw failure }
        return hasEnded && isComplete
    }

    private func fill<Document>(
        from stream: any RequestStream<Document>, _ parse: (Document) throws -> PendingTransaction
    ) throws {
        guard stream.wait(isEmpty ? nil : .zero, forInput: true) else { return }
        let end = ContinuousClock.now + Self.gatherTime * 10
        repeat {
            guard let documents = try stream.read() else { return hasEnded = true }
            input += try documents.map(parse)
        } while input.count < Self.mostGathered && .now < end && stream.wait(Self.gatherTime, forInput: true)
    }

    private func rest(_ stream: any RequestStream, until nextPoll: ContinuousClock.Instant) {
        let inFlight = inFlight
        // What waits for another run's lock, say, is begun with no sign that it can be.
        let isBusy = takesIn && hasQueued && room > 0
        guard !hasMoved, isBusy || !inFlight.isEmpty else { return }
        let wake = inFlight.map(\.deadline).min().map { max(min($0, nextPoll) - .now, .zero) } ?? Self.retryTime
        _ = stream.wait(
            isBusy ? min(wake, Self.retryTime) : wake, forInput: takesIn && !hasEnded && !isBusy && room > 0)
    }
}
