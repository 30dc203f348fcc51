import ABI
package import EthereumNode
package import Primitives
package import Transactions

/// Asks what requests would return, without a key and without a transaction (eth_call).
package struct CallExecutor {
    /// The chain that the operator named; any, if nil.
    package let chainId: UInt64?
    /// The account that calls; nobody in particular, if nil.
    package let sender: Address?

    package init(chainId: UInt64?, sender: Address? = nil) {
        self.chainId = chainId
        self.sender = sender
    }

    /// - Returns: the record: called with its result, or reverted.
    /// - Throws: `NodeError`, ``PreparationError``.
    package func call(_ request: TransactionRequest, asking node: EthereumNode) throws -> SentRecord {
        if let sender, let from = request.from, from != sender {
            throw PreparationError.wrongSender(label: request.label, from: from, sender: sender)
        }
        var batch = NodeBatch()
        let chainTicket = batch.add(.chainId)
        let codeTicket = request.to.map { batch.add(.code(of: $0, at: .latest)) }
        let callTicket = batch.add(
            .call(
                CallRequest(
                    from: request.from ?? sender, to: request.to, data: request.data, value: request.value,
                    accessList: request.accessList), at: .latest))
        let answers = try node.ask(batch)

        let actual = try answers.answer(to: chainTicket)
        for expected in [chainId, request.chainId] {
            if let expected, expected != actual {
                throw PreparationError.wrongChain(expected: expected, actual: actual)
            }
        }
        if let codeTicket, let to = request.to, try answers.answer(to: codeTicket).isEmpty {
            throw PreparationError.noContract(to)
        }
        let outcome: CallOutcome<[UInt8]>
        do throws(NodeError) { outcome = try answers.answer(to: callTicket) } catch {
            guard error.isOfFunds else { throw error }
            throw PreparationError.lackOfFunds(
                of: request.from ?? .zero, needed: request.value, asking: node, after: error)
        }
        switch outcome {
        case .returned(let bytes):
            var record = SentRecord(label: request.label, id: request.id, .called)
            record.result = bytes
            return record
        case .reverted(let data):
            return .reverting(request, with: data)
        }
    }
}
