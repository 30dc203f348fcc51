package import BigInt
package import Node
package import Primitives
package import Transactions

/// What a request comes to before anything is signed.
package enum Preparation: Equatable, Sendable {
    /// Its precondition holds: there is nothing to do.
    case needless
    /// It would revert with these bytes.
    case reverts([UInt8])
    /// It can be signed and sent.
    case ready(FeeMarketTransaction)
}

/// Fills in what a request leaves open, with one question to the node.
package struct Preparer {
    /// The account that will sign.
    package let sender: Address
    /// The chain that the operator named; any, if nil.
    package let chainId: UInt64?
    /// Whether the sender must have what the transaction may cost.
    package let checksFunds: Bool
    /// Whether a request that says how much gas it may use is tried as well.
    package let triesAlways: Bool
    /// The most that a unit of gas may cost, in wei; nil for no limit but the tip's.
    package let maxFee: Quantity?

    package init(
        sender: Address, chainId: UInt64?, checksFunds: Bool, triesAlways: Bool = false, maxFee: Quantity? = nil
    ) {
        self.sender = sender
        self.chainId = chainId
        self.checksFunds = checksFunds
        self.triesAlways = triesAlways
        self.maxFee = maxFee
    }

    /// - Parameters:
    ///   - request: what is to be sent.
    ///   - leastNonce: the nonce after those that were used already.
    ///   - node: gives the node; not called where the request leaves nothing open.
    /// - Throws: ``SendError``, and what `node` throws; nothing was sent.
    package func prepare(
        _ request: TransactionRequest, leastNonce: UInt64, asking node: () throws -> Node
    ) throws -> Preparation {
        if let transaction = try complete(request) { return .ready(transaction) }
        let answers = try Answers(to: request, sender: sender, triesAlways: triesAlways, from: node())

        let chain = try answers.chainId()
        try check(chain, for: request)
        if try answers.isPreconditionMet() { return .needless }
        try answers.requireCode()
        // Nodes refuse to estimate what cannot be paid, each in its own words.
        if checksFunds { try check(balance: answers.balance(), for: request.value.value) }
        if let data = try answers.revertData() { return .reverts(data) }
        let gas = try answers.gas()
        let fees = try answers.fees(limit: maxFee)
        let transaction = FeeMarketTransaction(
            chainId: chain, nonce: try request.nonce ?? max(answers.nonce(), leastNonce),
            maxPriorityFeePerGas: fees.tip, maxFeePerGas: fees.most, gasLimit: gas, to: request.to,
            value: request.value, data: request.data)
        if checksFunds { try check(balance: answers.balance(), for: transaction.maxCost) }
        return .ready(transaction)
    }

    /// The transaction of a request that leaves nothing open; nil where something must be asked.
    private func complete(_ request: TransactionRequest) throws(SendError) -> FeeMarketTransaction? {
        guard !checksFunds, request.unless == nil, let chain = request.chainId ?? chainId, let nonce = request.nonce,
            let gas = request.gas, let most = request.maxFeePerGas, let tip = request.maxPriorityFeePerGas
        else { return nil }
        try check(chain, for: request)
        return FeeMarketTransaction(
            chainId: chain, nonce: nonce, maxPriorityFeePerGas: tip, maxFeePerGas: most, gasLimit: gas, to: request.to,
            value: request.value, data: request.data)
    }

    private func check(_ actual: UInt64, for request: TransactionRequest) throws(SendError) {
        for expected in [chainId, request.chainId] {
            if let expected, expected != actual { throw .wrongChain(expected: expected, actual: actual) }
        }
    }

    private func check(balance: Quantity, for needed: BigUInt) throws(SendError) {
        guard balance.value >= needed else {
            throw .insufficientFunds(sender: sender, balance: balance, needed: try? Quantity(needed))
        }
    }
}

extension FeeMarketTransaction {
    /// What the transaction costs at most, in wei: its value, and all of its gas at its highest price.
    package var maxCost: BigUInt { value.value + maxFeePerGas.value * BigUInt(gasLimit) }
}

/// What the node says about a request, all of it asked for at once.
private struct Answers {
    private let request: TransactionRequest
    private let answers: NodeAnswers
    private let chainTicket: NodeBatch.Ticket<UInt64>
    private let nonceTicket: NodeBatch.Ticket<UInt64>
    private let balanceTicket: NodeBatch.Ticket<Quantity>
    private let feesTicket: NodeBatch.Ticket<FeeHistory>
    private let unlessTicket: NodeBatch.Ticket<CallOutcome<[UInt8]>>?
    private let codeTicket: NodeBatch.Ticket<[UInt8]>?
    private let gasTicket: NodeBatch.Ticket<CallOutcome<UInt64>>?

    init(
        to request: TransactionRequest, sender: Address, triesAlways: Bool, from node: Node
    ) throws(NodeError) {
        self.request = request
        var batch = NodeBatch()
        chainTicket = batch.add(.chainId)
        nonceTicket = batch.add(.transactionCount(of: sender, at: .pending))
        balanceTicket = batch.add(.balance(of: sender, at: .pending))
        feesTicket = batch.add(.feeHistory)
        unlessTicket = request.unless.map { unless in
            batch.add(.call(CallRequest(to: unless.to, data: unless.data), at: .latest))
        }
        if let to = request.to, !request.data.isEmpty {
            codeTicket = batch.add(.code(of: to, at: .latest))
        } else {
            codeTicket = nil
        }
        let call = CallRequest(from: sender, to: request.to, data: request.data, value: request.value)
        gasTicket = request.gas == nil || triesAlways ? batch.add(.estimateGas(call, at: .pending)) : nil
        answers = try node.ask(batch)
    }

    func chainId() throws(NodeError) -> UInt64 { try answers.answer(to: chainTicket) }

    func nonce() throws(NodeError) -> UInt64 { try answers.answer(to: nonceTicket) }

    func balance() throws(NodeError) -> Quantity { try answers.answer(to: balanceTicket) }

    /// Whether the precondition's call returns what makes the request needless.
    func isPreconditionMet() throws(NodeError) -> Bool {
        guard let unless = request.unless, let unlessTicket else { return false }
        return try answers.answer(to: unlessTicket) == .returned(unless.equals)
    }

    /// Refuses calldata for an account without code.
    func requireCode() throws {
        guard let codeTicket, let to = request.to, try answers.answer(to: codeTicket).isEmpty else { return }
        throw SendError.noContract(to)
    }

    /// What the call reverts with; nil if it was not tried, or does not revert.
    func revertData() throws(NodeError) -> [UInt8]? {
        guard let gasTicket, case .reverted(let data) = try answers.answer(to: gasTicket) else { return nil }
        return data
    }

    /// More gas than any chain lets a transaction use; an estimate above it is nonsense.
    private static let mostGas: UInt64 = 1 << 32

    /// The gas limit: what the request says, or the estimate and a fifth of it, since the state may change before
    /// the transaction is in a block.
    func gas() throws(NodeError) -> UInt64 {
        if let gas = request.gas { return gas }
        guard let gasTicket, case .returned(let estimate) = try answers.answer(to: gasTicket),
            estimate <= Self.mostGas
        else { throw .malformed(method: "eth_estimateGas", expected: "a plausible amount of gas") }
        return estimate + estimate / 5
    }

    /// The highest tip that is offered unasked, 50 gwei: a node that names a higher one errs or lies.
    private static let mostTip = Quantity(UInt64(50_000_000_000))

    /// The fees: what the request says, and the rest from the newest blocks, within the limit.
    func fees(limit: Quantity?) throws -> (tip: Quantity, most: Quantity) {
        if let tip = request.maxPriorityFeePerGas, let most = request.maxFeePerGas, limit.map({ most <= $0 }) ?? true {
            return (tip, most)
        }
        let history = try answers.answer(to: feesTicket)
        if let limit, history.nextBaseFee > limit {
            throw SendError.tooExpensive(baseFee: history.nextBaseFee, limit: limit)
        }
        let tip = request.maxPriorityFeePerGas ?? min(history.maxPriorityFeePerGas, Self.mostTip)
        var most = request.maxFeePerGas ?? history.maxFeePerGas(tip: tip)
        if let limit { most = min(most, limit) }
        return (min(tip, most), most)
    }
}
