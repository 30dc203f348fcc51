import ABI
import EthereumNode
import Primitives
import Transactions

/// The node's answers about several requests, from one batch.
struct PreparationAnswers {
    /// What is asked.
    struct Questions {
        var requests: [TransactionRequest]
        var sender: Address
        /// Whether the requests are tried one on top of the other.
        var isSimulated: Bool
        /// Whether they are tried so in another way too, which more nodes know.
        var isBundled: Bool
        /// Whether the requests are tried each alone; the first always is, unless they are only simulated.
        var isEstimated: Bool
        /// Whether requests that say how much gas they may use are tried as well.
        var triesAlways: Bool
        var asksL1Fee: Bool
    }

    private let questions: Questions
    private let node: EthereumNode
    private let answers: NodeAnswers
    private let chainTicket: NodeBatch.Ticket<UInt64>
    private let nonceTicket: NodeBatch.Ticket<UInt64>
    private let balanceTicket: NodeBatch.Ticket<UInt256>
    private let fees: Result<FeeHistory, NodeError>
    private let simulationTicket: NodeBatch.Ticket<[SimulatedCall]>?
    private let bundleTicket: NodeBatch.Ticket<[UInt64?]>?
    private let codeTickets: [Address: NodeBatch.Ticket<[UInt8]>]
    private let tickets: [Tickets]

    /// The places of the questions about one request.
    private struct Tickets {
        var unless: NodeBatch.Ticket<CallOutcome<[UInt8]>>?
        var gas: NodeBatch.Ticket<CallOutcome<UInt64>>?
        var l1Fee: NodeBatch.Ticket<CallOutcome<[UInt8]>>?
    }

    /// Asks a node the questions, in one batch.
    ///
    /// - Throws: `NodeError` if the batch as a whole failed.
    init(_ questions: Questions, from node: EthereumNode) throws {
        self.questions = questions
        self.node = node
        let requests = questions.requests
        var batch = NodeBatch()
        chainTicket = batch.add(.chainId)
        nonceTicket = batch.add(.transactionCount(of: questions.sender, at: .pending))
        balanceTicket = batch.add(.balance(of: questions.sender, at: .latest))
        let feesTicket = batch.add(.feeHistory)
        let called = Set(requests.compactMap { $0.data.isEmpty ? nil : $0.to })
        codeTickets = Dictionary(
            uniqueKeysWithValues: called.map { ($0, batch.add(.code(of: $0, at: .latest))) })
        tickets = try requests.enumerated().map { index, request in
            var tickets = Tickets()
            tickets.unless = request.unless.map { batch.add(.call($0.call, at: .latest)) }
            let isAlone = questions.isEstimated || (index == 0 && questions.isBundled)
            if isAlone, request.gas == nil || questions.triesAlways {
                tickets.gas = batch.add(.estimateGas(request.call(from: questions.sender), at: .pending))
            }
            if questions.asksL1Fee { tickets.l1Fee = batch.add(try L1Fee.question(request)) }
            return tickets
        }
        simulationTicket = questions.isSimulated ? batch.add(.simulate(questions.simulatedCalls)) : nil
        let calls = requests.map { $0.call(from: questions.sender) }
        bundleTicket = questions.isBundled ? NodeQuery.bundle(calls, from: questions.sender).map { batch.add($0) } : nil
        answers = try node.ask(batch)
        var fees = answers.result(of: feesTicket)
        if case .failure(let error) = fees, requests.contains(where: \.leavesFeesOpen) {
            fees = Result { () throws(NodeError) in try node.fees(without: error) }
        }
        self.fees = fees
    }

    /// The node's chain.
    ///
    /// - Throws: `NodeError` if the node did not answer it.
    func chainId() throws(NodeError) -> UInt64 { try answers.answer(to: chainTicket) }

    /// The sender's next nonce.
    ///
    /// - Throws: `NodeError` if the node did not answer it.
    func nonce() throws(NodeError) -> UInt64 { try answers.answer(to: nonceTicket) }

    /// The sender's balance, in wei.
    ///
    /// - Throws: `NodeError` if the node did not answer it.
    func balance() throws(NodeError) -> UInt256 { try answers.answer(to: balanceTicket) }

    /// Base fees and tips of the newest blocks.
    ///
    /// - Throws: `NodeError` if the node did not answer it.
    func feeHistory() throws(NodeError) -> FeeHistory { try fees.get() }

    /// The gas that the newest block may use; nil if the node does not say. It is asked only now: few requests take so
    /// much gas that it matters.
    func blockGasLimit() -> UInt64? { try? node.ask(.blockGasLimit) }

    /// What the requests and their preconditions come to, one on top of the other.
    ///
    /// - Returns: nil if that was not asked, or the node does not offer it.
    /// - Throws: `NodeError` if the node did not answer it.
    func simulation() throws(NodeError) -> [(unless: SimulatedCall?, call: SimulatedCall)]? {
        guard let simulationTicket else { return nil }
        let results: [SimulatedCall]
        do throws(NodeError) { results = try answers.answer(to: simulationTicket) } catch {
            guard case .methodFailed = error else { throw error }
            return nil
        }
        var rest = results[...]
        return questions.requests.compactMap { request in
            let unless = request.unless == nil ? nil : rest.popFirst()
            return rest.popFirst().map { (unless, $0) }
        }
    }

    /// The gas that the requests use, one on top of the other; nil in place of one that fails.
    ///
    /// - Returns: nil if that was not asked, or the node does not offer it.
    func bundle() -> [UInt64?]? { bundleTicket.flatMap { try? answers.answer(to: $0) } }

    /// What a request's precondition returns now; nil if it has none.
    ///
    /// - Throws: `NodeError` if the node did not answer it.
    func precondition(_ index: Int) throws(NodeError) -> CallOutcome<[UInt8]>? {
        guard let ticket = tickets[index].unless else { return nil }
        return try answers.answer(to: ticket)
    }

    /// What became of a request when it was tried.
    enum Trial: Equatable {
        /// It uses so much gas; by a search for what it needs, if it is an estimate.
        case uses(UInt64, isEstimate: Bool)
        /// It reverts with these bytes; alone, or after those before it.
        case reverts([UInt8], isAlone: Bool)
        /// It needs more gas than those before it leave of a block.
        case exceedsBlock

        var gas: UInt64? { if case .uses(let gas, _) = self { gas } else { nil } }
    }

    /// What became of a request when it was tried; nil if it was not.
    ///
    /// - Throws: `NodeError` if the node did not answer it.
    func trial(_ index: Int) throws(NodeError) -> Trial? {
        if let simulated = try simulation()?[index].call {
            if simulated.ranOutOfGas { return .exceedsBlock }
            switch simulated.outcome {
            case .returned: return .uses(simulated.gasUsed, isEstimate: false)
            case .reverted(let data): return .reverts(data, isAlone: false)
            }
        }
        if index > 0, let bundle = bundle() {
            // It does not say why one fails: that is reported once the others have arrived.
            guard let gas = bundle[index] else { return .reverts([], isAlone: true) }
            // The node may have named any number; one that is too large for a sum is too large to be believed.
            let sum = gas.addingReportingOverflow(questions.requests[index].intrinsicGas)
            return .uses(sum.overflow ? .max : sum.partialValue, isEstimate: false)
        }
        guard let ticket = tickets[index].gas else { return nil }
        switch try answers.answer(to: ticket) {
        case .returned(let gas): return .uses(gas, isEstimate: true)
        case .reverted(let data): return .reverts(data, isAlone: true)
        }
    }

    /// Whether a request calls an account that has no code.
    ///
    /// - Throws: `NodeError` if the node did not answer it.
    func callsNobody(_ index: Int) throws(NodeError) -> Bool {
        guard let to = questions.requests[index].to, let ticket = codeTickets[to] else { return false }
        return try answers.answer(to: ticket).isEmpty
    }

    /// What a request costs for the parent chain; nil if nothing is taken, or it was not asked.
    ///
    /// - Throws: `NodeError` if the node did not answer it.
    func l1Fee(_ index: Int) throws(NodeError) -> UInt256? {
        guard let ticket = tickets[index].l1Fee else { return nil }
        return L1Fee.answer(try answers.answer(to: ticket))
    }
}

extension PreparationAnswers.Questions {
    /// Each request's precondition, if it has one, and then the request.
    fileprivate var simulatedCalls: [CallRequest] {
        requests.flatMap { request in
            (request.unless.map { [$0.call] } ?? []) + [request.call(from: sender)]
        }
    }
}

extension TransactionRequest {
    /// Whether it does not say what gas may cost.
    fileprivate var leavesFeesOpen: Bool { maxFeePerGas == nil || maxPriorityFeePerGas == nil }

    /// The gas that a transaction of these bytes takes before its call is made, or for its bytes at least (EIP-2028,
    /// EIP-7623), and what its access list costs (EIP-2930).
    fileprivate var intrinsicGas: UInt64 {
        let zeros = UInt64(data.count { $0 == 0 })
        let others = UInt64(data.count) - zeros
        let listed = accessList.reduce(UInt64(0)) { $0 + 2400 + 1900 * UInt64($1.storageKeys.count) }
        return 21_000 + max(zeros * 4 + others * 16, (zeros + others * 4) * 10) + listed
    }

    /// The request as a call that is only tried.
    fileprivate func call(from sender: Address) -> CallRequest {
        CallRequest(from: sender, to: to, data: data, value: value, accessList: accessList)
    }
}

extension TransactionRequest.Precondition {
    fileprivate var call: CallRequest { CallRequest(to: to, data: data) }
}
