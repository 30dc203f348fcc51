package import EthereumNode
package import Preparation

/// Goes on with transactions that somebody else sent: waits until they are in blocks, and hands over again what nodes
/// have forgotten. No key is needed.
package struct PendingRecords {
    private let queue: TransactionQueue
    private let watcher: TransactionWatcher

    /// - Parameters:
    ///   - policy: confirmations and the time limit.
    ///   - observer: hears what happens meanwhile.
    ///   - node: the node to poll.
    package init(policy: SendPolicy, observer: (any SendObserver)? = nil, node: EthereumNode) {
        queue = TransactionQueue(policy: policy, observer: observer)
        watcher = TransactionWatcher(queue, policy: policy, journal: nil, observer: observer, node: node)
    }

    /// Takes in records as they come, and reports what became of the pending ones; all others are passed on.
    ///
    /// - Returns: whether all records were accepted.
    /// - Throws: ``SendError/notPending`` for a record without a transaction, what the stream throws, and what `report`
    ///   throws.
    package func wait(_ stream: any RequestStream<SentRecord>, report: (SentRecord) throws -> Void) throws -> Bool {
        try queue.run(stream, watching: watcher, parse: { try $0.map(PendingTransaction.init) }, report: report) {
            guard queue.takesIn else { return }
            while queue.room > 0, let pending = queue.queued(1).first {
                if case .done(let record) = pending.phase {
                    queue.settle(pending, record)
                } else {
                    watcher.resume(pending, .resumed)
                }
            }
        }
    }
}
