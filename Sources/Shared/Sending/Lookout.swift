import ABI
import Node
import Primitives
import TEEBridge
import Transactions

/// Looks where transactions stand, and hands those over again that nodes have forgotten.
struct Lookout {
    /// Which block counts a transaction as done: 1 is the one that it is in.
    let confirmations: UInt64

    /// How long another transaction must have a nonce before ours counts as replaced: nodes behind a balancer may
    /// know a block and not yet its receipts.
    private static let overtakenTime = Duration.seconds(3)
    private static let overtakenLooks = 3

    /// The places of the questions about one transaction.
    private struct Tickets {
        var receipts: [NodeBatch.Ticket<Receipt?>]
        var isKnown: NodeBatch.Ticket<Bool>?
        var count: NodeBatch.Ticket<UInt64>?
    }

    /// Looks at transactions with one request, and notes in each what was seen. A node that fails is a state too:
    /// the transactions are sent, and are looked at again.
    ///
    /// - Returns: those that the node does not know, oldest first.
    func look(at transactions: [Outgoing], asking node: Node) -> [Outgoing] {
        var batch = NodeBatch()
        let headTicket = batch.add(.blockNumber)
        var countTickets: [Address: NodeBatch.Ticket<UInt64>] = [:]
        let tickets = transactions.map { outgoing in
            var tickets = Tickets(receipts: outgoing.versions.map { batch.add(.receipt(of: $0.hash)) })
            if let newest = outgoing.newest, outgoing.mayBeForgotten {
                tickets.isKnown = batch.add(.knows(newest.hash))
            }
            if let sender = outgoing.signed?.sender {
                let ticket = countTickets[sender] ?? batch.add(.transactionCount(of: sender, at: .latest))
                countTickets[sender] = ticket
                tickets.count = ticket
            }
            return tickets
        }
        var forgotten: [Outgoing] = []
        do throws(NodeError) {
            let answers = try node.ask(batch, patience: .zero)
            let head = try answers.answer(to: headTicket)
            for (outgoing, tickets) in zip(transactions, tickets) {
                do throws(NodeError) {
                    if try see(outgoing, tickets, answers, head: head) { forgotten.append(outgoing) }
                } catch { outgoing.state = error.description }
            }
        } catch {
            for outgoing in transactions { outgoing.state = error.description }
        }
        return forgotten
    }

    /// - Returns: whether the node does not know the transaction, though it could still get into a block.
    private func see(
        _ outgoing: Outgoing, _ tickets: Tickets, _ answers: NodeAnswers, head: UInt64
    ) throws(NodeError) -> Bool {
        for (version, ticket) in zip(outgoing.versions, tickets.receipts) {
            guard let receipt = try answers.answer(to: ticket) else { continue }
            guard receipt.transactionHash == version.hash else {
                outgoing.state = "the node gave the receipt of another transaction, \(receipt.transactionHash)"
                return false
            }
            outgoing.take(receipt)
            // Nodes behind a balancer may differ by a block: a receipt is its own first confirmation.
            let depth = max(head, receipt.blockNumber) - receipt.blockNumber
            outgoing.confirmations = depth == .max ? .max : depth + 1
            outgoing.state =
                "it is in block \(receipt.blockNumber), with \(outgoing.confirmations) of \(confirmations) confirmations"
            return false
        }
        outgoing.receipt = nil
        outgoing.confirmations = 0
        outgoing.state = "it is in no block yet"
        if let ticket = tickets.count, let nonce = outgoing.nonce, try answers.answer(to: ticket) > nonce {
            let since = outgoing.overtaken?.since ?? .now
            outgoing.overtaken = (since, (outgoing.overtaken?.looks ?? 0) + 1)
            outgoing.state = "another transaction has its nonce"
            return false
        }
        outgoing.overtaken = nil
        guard let ticket = tickets.isKnown else { return false }
        let isKnown = try answers.answer(to: ticket)
        outgoing.askedAt = .now
        if isKnown {
            outgoing.isAccepted = true
            outgoing.doubt = nil
        }
        return !isKnown
    }

    /// What became of a transaction; nil as long as that is not known.
    func outcome(of outgoing: Outgoing, asking node: Node) -> SentRecord? {
        if let receipt = outgoing.receipt {
            guard outgoing.confirmations >= confirmations else { return nil }
            return record(of: receipt, outgoing, node)
        }
        guard let overtaken = outgoing.overtaken, overtaken.looks >= Self.overtakenLooks,
            ContinuousClock.now - overtaken.since >= Self.overtakenTime
        else { return nil }
        return outgoing.record(.replaced)
    }

    private func record(of receipt: Receipt, _ outgoing: Outgoing, _ node: Node) -> SentRecord {
        var record = outgoing.record(receipt.isSuccess ? .success : .reverted)
        record.receipt = receipt
        guard let signed = outgoing.versions.first(where: { $0.hash == receipt.transactionHash })?.signed else {
            return record
        }
        if receipt.isSuccess {
            record.contractAddress = signed.createdContract
        } else if let data = revertData(of: signed, in: receipt.blockNumber, node) {
            record.revert = TEEBridge.answers.decodeRevert(data)
            record.revertBytes = data
        }
        return record
    }

    /// What the transaction reverted with: receipts do not say, so the call is tried again around its block.
    private func revertData(of signed: SignedTransaction, in block: UInt64, _ node: Node) -> [UInt8]? {
        let transaction = signed.transaction
        let call = CallRequest(
            from: signed.sender, to: transaction.to, data: transaction.data, value: transaction.value)
        for number in [block, block &- 1] {
            if case .reverted(let data)? = try? node.ask(.call(call, at: .number(number))) { return data }
        }
        return nil
    }
}

extension Outgoing {
    /// How long a node that has the transaction is believed to keep it.
    private static let memory = Duration.seconds(3)

    /// Whether it is time to ask if the node still has it.
    fileprivate var mayBeForgotten: Bool {
        guard isAccepted, doubt == nil, let time = [askedAt, sentAt].compactMap(\.self).max() else { return true }
        return ContinuousClock.now - time >= Self.memory
    }
}
