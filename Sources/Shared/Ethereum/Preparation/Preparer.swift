package import EthereumNode
package import Primitives
package import Transactions

/// Fills in what requests leave open, with one question to the node for all of them.
package struct Preparer {
    /// The account that will sign.
    package let sender: Address
    /// The chain that the operator named; any, if nil.
    package let chainId: UInt64?
    /// What gas may cost.
    package let fees: FeeRules
    /// What the requests are prepared for.
    package let purpose: Purpose

    package init(sender: Address, chainId: UInt64?, fees: FeeRules = FeeRules(), purpose: Purpose) {
        self.sender = sender
        self.chainId = chainId
        self.fees = fees
        self.purpose = purpose
    }

    private var checksFunds: Bool { purpose != .signing }

    /// - Parameters:
    ///   - requests: the requests to send, in this order; at least one.
    ///   - usage: what has been sent before.
    ///   - capabilities: what is known about the node; updated.
    ///   - node: gives the node; not called where the requests leave nothing open.
    /// - Throws: ``PreparationError`` about the first request, and what `node` throws; nothing was sent.
    package func prepare(
        _ requests: [TransactionRequest], after usage: AccountUsage = AccountUsage(),
        learning capabilities: inout NodeCapabilities,
        asking node: () throws -> EthereumNode
    ) throws -> PreparedBatch {
        for request in requests {
            guard let from = request.from, from != sender else { continue }
            throw PreparationError.wrongSender(label: request.label, from: from, sender: sender)
        }
        let complete = try requests.map(self.complete)
        guard complete.contains(where: { $0 == nil }) else {
            return PreparedBatch(preparations: complete.compactMap { $0.map { .ready(PreparedTransaction($0)) } })
        }
        let node = try node()
        func withSums(_ error: any Error) -> any Error {
            guard let error = error as? NodeError, error.isOfFunds else { return error }
            let needed = requests.reduce(usage.cost) { $0.adding($1.value) ?? .max }
            return PreparationError.lackOfFunds(of: sender, needed: needed, asking: node, after: error)
        }
        do {
            var batch = try prepare(requests, after: usage, &capabilities, node)
            batch.failure = batch.failure.map(withSums)
            return batch
        } catch { throw withSums(error) }
    }

    private func prepare(
        _ requests: [TransactionRequest], after usage: AccountUsage, _ capabilities: inout NodeCapabilities,
        _ node: EthereumNode
    ) throws -> PreparedBatch {
        let answers = try ask(requests, node, &capabilities)
        let skipped = try answers.skipped(requests)
        let rest = zip(requests, skipped).filter { !$1 }.map(\.0)
        guard rest.count < requests.count, !rest.isEmpty, capabilities.triesTogether else {
            return try batch(requests, skipped, answers, usage, &capabilities)
        }
        // The skipped ones were tried too: what the others come to without them is another question.
        let others = try ask(rest, node, &capabilities)
        var found = try batch(rest, others.skipped(rest), others, usage, &capabilities)
        var told = found.preparations[...]
        found.preparations = []
        for isSkipped in skipped {
            guard let next = isSkipped ? .skipped : told.popFirst() else { break }
            found.preparations.append(next)
            if next.endsBatch { break }
        }
        return found
    }

    /// The transaction of a request that leaves nothing open; nil where something must be asked.
    private func complete(_ request: TransactionRequest) throws(PreparationError) -> FeeMarketTransaction? {
        guard !checksFunds, request.unless == nil, let chain = request.chainId ?? chainId, let nonce = request.nonce,
            let gas = request.gas, let most = request.maxFeePerGas, let tip = request.maxPriorityFeePerGas
        else { return nil }
        try check(chain, for: request)
        return FeeMarketTransaction(
            chainId: chain, nonce: nonce, maxPriorityFeePerGas: tip, maxFeePerGas: most, gasLimit: gas, to: request.to,
            value: request.value, data: request.data, accessList: request.accessList)
    }

    /// Asks about requests; one on top of the other, where there are several and the node offers that.
    private func ask(
        _ requests: [TransactionRequest], _ node: EthereumNode, _ capabilities: inout NodeCapabilities
    ) throws -> PreparationAnswers {
        let isSimulated = requests.count > 1 && capabilities.simulates != false
        let isBundled = requests.count > 1 && capabilities.simulates != true && capabilities.bundles != false
        var questions = PreparationAnswers.Questions(
            requests: requests, sender: sender, isSimulated: isSimulated, isBundled: isBundled,
            isEstimated: !isSimulated && !isBundled, triesAlways: purpose == .dryRun,
            asksL1Fee: checksFunds && capabilities.hasL1Fee)
        let answers = try PreparationAnswers(questions, from: node)
        if isSimulated { capabilities.simulates = try answers.simulation() != nil }
        if isBundled { capabilities.bundles = answers.bundle() != nil }
        guard !questions.isEstimated, !capabilities.triesTogether else { return answers }
        questions.isSimulated = false
        questions.isBundled = false
        questions.isEstimated = true
        return try PreparationAnswers(questions, from: node)
    }

    private func batch(
        _ requests: [TransactionRequest], _ skipped: [Bool], _ answers: PreparationAnswers, _ before: AccountUsage,
        _ capabilities: inout NodeCapabilities
    ) throws -> PreparedBatch {
        var usage = before
        var batch = PreparedBatch()
        for (index, request) in requests.enumerated() {
            do {
                try check(answers.chainId(), for: request)
                guard !skipped[index] else {
                    batch.preparations.append(.skipped)
                    continue
                }
                try check(request, at: index, answers, usage)
                let trial = try trial(request, at: index, answers, isFirst: index == 0 && !before.isWaiting)
                if case .reverts(let data, let isAlone)? = trial {
                    // A call that reverts now may succeed once the transactions in flight have arrived.
                    let isOpen = before.isWaiting || (isAlone && usage.isWaiting)
                    guard !isOpen || purpose == .sending else { throw PreparationError.dependent(label: request.label) }
                    batch.preparations.append(isOpen ? .deferred : .reverts(data))
                    return batch
                }
                let preparation = try prepare(request, at: index, answers, trial, usage, &capabilities)
                batch.preparations.append(preparation)
                guard case .ready(let prepared) = preparation else { return batch }
                usage.leastNonce = prepared.transaction.nonce &+ 1
                usage.cost = usage.cost.adding(prepared.maxCost) ?? .max
                usage.isWaiting = true
                if purpose == .dryRun { batch.shortage = try shortage(answers.balance(), for: usage.cost) }
            } catch {
                guard index > 0 || before.isWaiting else { throw error }
                if purpose == .sending { batch.preparations.append(.deferred) } else { batch.failure = error }
                return batch
            }
        }
        return batch
    }

    /// What must hold before a request is tried.
    private func check(
        _ request: TransactionRequest, at place: Int, _ answers: PreparationAnswers, _ usage: AccountUsage
    ) throws {
        if try answers.callsNobody(place), let to = request.to { throw PreparationError.noContract(to) }
        guard checksFunds, let shortage = try shortage(answers.balance(), for: usage.cost.adding(request.value))
        else { return }
        // Nodes refuse to try what they cannot pay out, each in its own words; fees they leave aside.
        if purpose == .sending || request.value > 0 { throw shortage }
    }

    /// What became of a request when it was tried; nil if it was not.
    ///
    /// - Parameter isFirst: whether nothing before it takes gas of the block that it is tried in.
    private func trial(
        _ request: TransactionRequest, at place: Int, _ answers: PreparationAnswers, isFirst: Bool
    ) throws -> PreparationAnswers.Trial? {
        guard request.gas == nil || purpose == .dryRun else { return nil }
        do throws(NodeError) {
            let trial = try answers.trial(place)
            guard trial == .exceedsBlock else { return trial }
        } catch {
            guard case .methodFailed(_, let reason) = error, let most = reason.gasAllowance else { throw error }
            throw PreparationError.tooMuchGas(label: request.label, gas: nil, .node(most))
        }
        guard isFirst else { throw PreparationError.simulationFull(label: request.label) }
        throw PreparationError.tooMuchGas(label: request.label, gas: nil, .block(answers.blockGasLimit()))
    }

    private func prepare(
        _ request: TransactionRequest, at place: Int, _ answers: PreparationAnswers, _ trial: PreparationAnswers.Trial?,
        _ usage: AccountUsage, _ capabilities: inout NodeCapabilities
    ) throws -> PreparationResult {
        let gas = try gasLimit(of: request, trial, answers)
        let (tip, most) = try fees.fees(for: request, after: answers.feeHistory)
        let transaction = FeeMarketTransaction(
            chainId: try answers.chainId(), nonce: try request.nonce ?? max(answers.nonce(), usage.leastNonce),
            maxPriorityFeePerGas: tip, maxFeePerGas: most, gasLimit: gas, to: request.to, value: request.value,
            data: request.data, accessList: request.accessList)
        let l1Fee = try answers.l1Fee(place)
        capabilities.hasL1Fee = capabilities.hasL1Fee && (!checksFunds || l1Fee != nil)
        var prepared = PreparedTransaction(transaction, gasUsed: trial?.gas, l1Fee: l1Fee ?? 0)
        guard checksFunds else { return .ready(prepared) }
        let cost = usage.cost.adding(prepared.maxCost)
        if let shortage = try shortage(answers.balance(), for: cost) {
            guard purpose == .dryRun else { throw shortage }
            prepared.shortfall = cost?.subtracting(try answers.balance()) ?? .max
        }
        return .ready(prepared)
    }

    /// More gas than any chain lets a transaction use; an estimate above it is nonsense.
    private static let mostGas: UInt64 = 1 << 32

    /// The gas limit: what the request says, or enough for what it needs, as far as a transaction may have that.
    private func gasLimit(
        of request: TransactionRequest, _ trial: PreparationAnswers.Trial?, _ answers: PreparationAnswers
    ) throws -> UInt64 {
        let (least, ample) = try request.gas.map { ($0, $0) } ?? neededGas(trial)
        guard least > GasLimit.mostOfTransaction else { return min(ample, GasLimit.mostOfTransaction) }
        guard !GasLimit.isTransactionLimited(on: try answers.chainId()) else {
            throw PreparationError.tooMuchGas(label: request.label, gas: least, .transaction)
        }
        guard let most = answers.blockGasLimit() else { return ample }
        guard least <= most else {
            throw PreparationError.tooMuchGas(label: request.label, gas: least, .block(most))
        }
        return min(ample, most)
    }

    /// What a request needs, and what is enough for it: a fifth more than an estimate, since the state may change
    /// before the transaction is in a block; half as much again as a call used among others, which is after refunds
    /// and no search for what is needed.
    private func neededGas(
        _ trial: PreparationAnswers.Trial?
    ) throws(NodeError) -> (least: UInt64, ample: UInt64) {
        guard case .uses(let gas, let isEstimate)? = trial, gas <= Self.mostGas else {
            throw .malformed(method: "eth_estimateGas", expected: "a plausible amount of gas")
        }
        return (gas, gas + gas / (isEstimate ? 5 : 2))
    }

    private func check(_ actual: UInt64, for request: TransactionRequest) throws(PreparationError) {
        for expected in [chainId, request.chainId] {
            if let expected, expected != actual { throw .wrongChain(expected: expected, actual: actual) }
        }
    }

    /// - Parameter needed: what may be spent; nil or `UInt256.max` for what 256 bits do not hold, which no balance covers.
    /// - Returns: the error that the balance is too small; nil if it is not.
    private func shortage(_ balance: UInt256, for needed: UInt256?) -> PreparationError? {
        if let needed, needed <= balance, needed < .max { return nil }
        return .insufficientFunds(sender: sender, balance: balance, needed: needed ?? .max)
    }
}

extension PreparationAnswers {
    /// For each of the requests whether its precondition holds: now, or once those before it are done.
    fileprivate func skipped(_ requests: [TransactionRequest]) throws(NodeError) -> [Bool] {
        let simulation = try self.simulation()
        var answers: [Bool] = []
        for (index, request) in requests.enumerated() {
            guard let unless = request.unless else {
                answers.append(false)
                continue
            }
            let met = CallOutcome.returned(unless.equals)
            answers.append(try precondition(index) == met || simulation?[index].unless?.outcome == met)
        }
        return answers
    }
}

/// What requests are prepared for.
package enum Purpose: Sendable {
    /// To be signed and sent: the sender must have what they may cost.
    case sending
    /// To be signed alone.
    case signing
    /// To be looked at: they are tried even if they say how much gas they may use.
    case dryRun
}
