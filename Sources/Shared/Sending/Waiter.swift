package import Node
import Transactions

/// Goes on with transactions that somebody else sent: waits until they are in blocks, and hands over again what nodes
/// have forgotten. No key is needed.
package struct Waiter {
    private let policy: SendPolicy
    private let telling: Telling
    private let node: Node

    package init(policy: SendPolicy, telling: Telling = Telling(), node: Node) {
        self.policy = policy
        self.telling = telling
        self.node = node
    }

    /// Takes in records as they come, and tells what became of the pending ones; all others are passed on.
    ///
    /// - Returns: whether all records were taken in.
    /// - Throws: ``SendError/notPending`` for a record without a transaction, what the feed throws, and what `report`
    ///   throws.
    package func wait(_ feed: Feed<SentRecord>, report: (SentRecord) throws -> Void) throws -> Bool {
        let flight = Flight(policy: policy, journal: nil, telling: telling) { node }
        return try flight.run(feed) { queue, _ in
            while let record = queue.first, flight.room > 0 {
                try begin(record, flight)
                queue.removeFirst()
            }
        } report: { record in
            try report(record)
        }
    }

    private func begin(_ record: SentRecord, _ flight: Flight) throws {
        guard record.status == .pending else { return flight.add(record) }
        let signed = try record.raw.map { raw throws(TransactionError) in try SignedTransaction(raw: raw) }
        guard let hash = record.transactionHash ?? signed?.hash, signed.map({ $0.hash == hash }) ?? true else {
            throw SendError.notPending
        }
        let outgoing = Outgoing(
            label: record.label, id: record.id, versions: [.init(hash: hash, signed: signed)],
            deadline: .now + policy.timeout)
        outgoing.mayBeSent = true
        flight.add(outgoing)
    }
}
