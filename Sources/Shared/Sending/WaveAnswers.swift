import ABI
import JSONRPC
import Node
import Primitives
import Transactions

/// What the node says about several requests, all of it asked for at once.
struct WaveAnswers {
    /// What is asked.
    struct Questions {
        var requests: [TransactionRequest]
        var sender: Address
        /// Whether the requests are tried one on top of the other.
        var isSimulated: Bool
        /// Whether the requests are tried each alone.
        var isEstimated: Bool
        /// Whether requests that say how much gas they may use are tried as well.
        var triesAlways: Bool
        var asksL1Fee: Bool
    }

    private let questions: Questions
    private let answers: NodeAnswers
    private let chainTicket: NodeBatch.Ticket<UInt64>
    private let nonceTicket: NodeBatch.Ticket<UInt64>
    private let balanceTicket: NodeBatch.Ticket<Quantity>
    private let feesTicket: NodeBatch.Ticket<FeeHistory>
    private let simulationTicket: NodeBatch.Ticket<[SimulatedCall]>?
    private let codeTickets: [Address: NodeBatch.Ticket<[UInt8]>]
    private let tickets: [Tickets]

    /// The places of the questions about one request.
    private struct Tickets {
        var unless: NodeBatch.Ticket<CallOutcome<[UInt8]>>?
        var gas: NodeBatch.Ticket<CallOutcome<UInt64>>?
        var l1Fee: NodeBatch.Ticket<CallOutcome<[UInt8]>>?
    }

    init(_ questions: Questions, from node: Node) throws {
        self.questions = questions
        let requests = questions.requests
        var batch = NodeBatch()
        chainTicket = batch.add(.chainId)
        nonceTicket = batch.add(.transactionCount(of: questions.sender, at: .pending))
        balanceTicket = batch.add(.balance(of: questions.sender, at: .latest))
        feesTicket = batch.add(.feeHistory)
        let called = Set(requests.compactMap { $0.data.isEmpty ? nil : $0.to })
        codeTickets = Dictionary(
            uniqueKeysWithValues: called.map { ($0, batch.add(.code(of: $0, at: .latest))) })
        tickets = try requests.map { request in
            var tickets = Tickets()
            tickets.unless = request.unless.map { batch.add(.call($0.call, at: .latest)) }
            if questions.isEstimated, request.gas == nil || questions.triesAlways {
                tickets.gas = batch.add(.estimateGas(request.call(from: questions.sender), at: .pending))
            }
            if questions.asksL1Fee { tickets.l1Fee = batch.add(try L1Fee.question(request)) }
            return tickets
        }
        simulationTicket = questions.isSimulated ? batch.add(.simulate(questions.simulatedCalls)) : nil
        answers = try node.ask(batch)
    }

    func chainId() throws(NodeError) -> UInt64 { try answers.answer(to: chainTicket) }

    func nonce() throws(NodeError) -> UInt64 { try answers.answer(to: nonceTicket) }

    func balance() throws(NodeError) -> Quantity { try answers.answer(to: balanceTicket) }

    func feeHistory() throws(NodeError) -> FeeHistory { try answers.answer(to: feesTicket) }

    /// What the requests and their preconditions come to, one on top of the other.
    ///
    /// - Returns: nil if that was not asked, or the node does not offer it.
    func simulation() throws(NodeError) -> [(unless: SimulatedCall?, call: SimulatedCall)]? {
        guard let simulationTicket else { return nil }
        let results: [SimulatedCall]
        do throws(NodeError) { results = try answers.answer(to: simulationTicket) } catch {
            guard case .failed(let failure) = error, case .response = failure else { throw error }
            return nil
        }
        var rest = results[...]
        return questions.requests.compactMap { request in
            let unless = request.unless == nil ? nil : rest.popFirst()
            return rest.popFirst().map { (unless, $0) }
        }
    }

    /// What a request's precondition returns now; nil if it has none.
    func precondition(_ index: Int) throws(NodeError) -> CallOutcome<[UInt8]>? {
        guard let ticket = tickets[index].unless else { return nil }
        return try answers.answer(to: ticket)
    }

    /// What a request uses now; nil if it was not tried alone.
    func estimate(_ index: Int) throws(NodeError) -> CallOutcome<UInt64>? {
        guard let ticket = tickets[index].gas else { return nil }
        return try answers.answer(to: ticket)
    }

    /// Whether a request calls an account that has no code.
    func callsNobody(_ index: Int) throws(NodeError) -> Bool {
        guard let to = questions.requests[index].to, let ticket = codeTickets[to] else { return false }
        return try answers.answer(to: ticket).isEmpty
    }

    /// What a request costs for the parent chain; nil if nothing is taken, or it was not asked.
    func l1Fee(_ index: Int) throws(NodeError) -> Quantity? {
        guard let ticket = tickets[index].l1Fee else { return nil }
        return L1Fee.answer(try answers.answer(to: ticket))
    }
}

extension WaveAnswers.Questions {
    /// Each request's precondition, if it has one, and then the request.
    fileprivate var simulatedCalls: [CallRequest] {
        requests.flatMap { request in
            (request.unless.map { [$0.call] } ?? []) + [request.call(from: sender)]
        }
    }
}

extension TransactionRequest {
    /// The request as a call that is only tried.
    fileprivate func call(from sender: Address) -> CallRequest {
        CallRequest(from: sender, to: to, data: data, value: value)
    }
}

extension TransactionRequest.Precondition {
    fileprivate var call: CallRequest { CallRequest(to: to, data: data) }
}
