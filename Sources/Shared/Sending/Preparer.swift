import BigInt
package import Node
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
    ///   - requests: what is to be sent, in this order; at least one.
    ///   - standing: what was sent before.
    ///   - traits: what is known about the node, and what is learned.
    ///   - node: gives the node; not called where the requests leave nothing open.
    /// - Throws: ``SendError`` about the first request, and what `node` throws; nothing was sent.
    package func prepare(
        _ requests: [TransactionRequest], after standing: Standing = Standing(), learning traits: inout NodeTraits,
        asking node: () throws -> Node
    ) throws -> Wave {
        let complete = try requests.map(self.complete)
        guard complete.contains(where: { $0 == nil }) else {
            return Wave(preparations: complete.compactMap { $0.map { .ready(Prepared($0)) } })
        }
        let node = try node()
        let answers = try ask(requests, node, &traits)
        let needless = try answers.needless(requests)
        let rest = zip(requests, needless).filter { !$1 }.map(\.0)
        guard rest.count < requests.count, !rest.isEmpty, traits.triesTogether else {
            return try wave(requests, needless, answers, standing, &traits)
        }
        // The needless ones were tried too: what the others come to without them is another question.
        let others = try ask(rest, node, &traits)
        var found = try wave(rest, others.needless(rest), others, standing, &traits)
        var told = found.preparations[...]
        found.preparations = []
        for isNeedless in needless {
            guard let next = isNeedless ? .needless : told.popFirst() else { break }
            found.preparations.append(next)
            if next.endsWave { break }
        }
        return found
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

    /// Asks about requests; one on top of the other, where there are several and the node offers that.
    private func ask(
        _ requests: [TransactionRequest], _ node: Node, _ traits: inout NodeTraits
    ) throws -> WaveAnswers {
        let isSimulated = requests.count > 1 && traits.simulates != false
        let isBundled = requests.count > 1 && traits.simulates != true && traits.bundles != false
        var questions = WaveAnswers.Questions(
            requests: requests, sender: sender, isSimulated: isSimulated, isBundled: isBundled,
            isEstimated: !isSimulated && !isBundled, triesAlways: purpose == .dryRun,
            asksL1Fee: checksFunds && traits.hasL1Fee)
        let answers = try WaveAnswers(questions, from: node)
        if isSimulated { traits.simulates = try answers.simulation() != nil }
        if isBundled { traits.bundles = answers.bundle() != nil }
        guard !questions.isEstimated, !traits.triesTogether else { return answers }
        questions.isSimulated = false
        questions.isBundled = false
        questions.isEstimated = true
        return try WaveAnswers(questions, from: node)
    }

    private func wave(
        _ requests: [TransactionRequest], _ needless: [Bool], _ answers: WaveAnswers, _ before: Standing,
        _ traits: inout NodeTraits
    ) throws -> Wave {
        var standing = before
        var wave = Wave()
        for (index, request) in requests.enumerated() {
            do {
                try check(answers.chainId(), for: request)
                guard !needless[index] else {
                    wave.preparations.append(.needless)
                    continue
                }
                try check(request, at: index, answers, standing)
                let trial = request.gas == nil || purpose == .dryRun ? try answers.trial(index) : nil
                if case .reverts(let data, let isAlone)? = trial {
                    // What reverts now may not once what is on its way has arrived.
                    let isOpen = before.isWaiting || (isAlone && standing.isWaiting)
                    guard !isOpen || purpose == .sending else { throw SendError.dependent(label: request.label) }
                    wave.preparations.append(isOpen ? .waits : .reverts(data))
                    return wave
                }
                let preparation = try prepare(request, at: index, answers, trial, standing, &traits)
                wave.preparations.append(preparation)
                guard case .ready(let prepared) = preparation else { return wave }
                standing.leastNonce = prepared.transaction.nonce &+ 1
                standing.cost += prepared.maxCost
                standing.isWaiting = true
            } catch {
                guard index > 0 || before.isWaiting else { throw error }
                if purpose == .sending { wave.preparations.append(.waits) } else { wave.failure = error }
                return wave
            }
        }
        return wave
    }

    /// What must hold before a request is tried.
    private func check(
        _ request: TransactionRequest, at place: Int, _ answers: WaveAnswers, _ standing: Standing
    ) throws {
        if try answers.callsNobody(place), let to = request.to { throw SendError.noContract(to) }
        // Nodes refuse to estimate what cannot be paid, each in its own words.
        if checksFunds { try check(answers.balance(), for: standing.cost + request.value.value) }
    }

    private func prepare(
        _ request: TransactionRequest, at place: Int, _ answers: WaveAnswers, _ trial: WaveAnswers.Trial?,
        _ standing: Standing, _ traits: inout NodeTraits
    ) throws -> Preparation {
        let gas = try request.gas ?? gasLimit(trial)
        let (tip, most) = try fees.fees(for: request, after: answers.feeHistory)
        let transaction = FeeMarketTransaction(
            chainId: try answers.chainId(), nonce: try request.nonce ?? max(answers.nonce(), standing.leastNonce),
            maxPriorityFeePerGas: tip, maxFeePerGas: most, gasLimit: gas, to: request.to, value: request.value,
            data: request.data)
        let l1Fee = try answers.l1Fee(place)
        traits.hasL1Fee = traits.hasL1Fee && (!checksFunds || l1Fee != nil)
        let prepared = Prepared(transaction, gasUsed: trial?.gas, l1Fee: l1Fee ?? .zero)
        if checksFunds { try check(answers.balance(), for: standing.cost + prepared.maxCost) }
        return .ready(prepared)
    }

    /// More gas than any chain lets a transaction use; an estimate above it is nonsense.
    private static let mostGas: UInt64 = 1 << 32

    /// The gas limit: a fifth more than an estimate, since the state may change before the transaction is in a block;
    /// half as much again as a call used among others, which is after refunds and no search for what is needed.
    private func gasLimit(_ trial: WaveAnswers.Trial?) throws(NodeError) -> UInt64 {
        guard case .uses(let gas, let isEstimate)? = trial, gas <= Self.mostGas else {
            throw .malformed(method: "eth_estimateGas", expected: "a plausible amount of gas")
        }
        return gas + gas / (isEstimate ? 5 : 2)
    }

    private func check(_ actual: UInt64, for request: TransactionRequest) throws(SendError) {
        for expected in [chainId, request.chainId] {
            if let expected, expected != actual { throw .wrongChain(expected: expected, actual: actual) }
        }
    }

    private func check(_ balance: Quantity, for needed: BigUInt) throws(SendError) {
        guard balance.value >= needed else {
            throw .insufficientFunds(sender: sender, balance: balance, needed: try? Quantity(needed))
        }
    }
}

extension WaveAnswers {
    /// For each of the requests whether its precondition holds: now, or once those before it are done.
    fileprivate func needless(_ requests: [TransactionRequest]) throws(NodeError) -> [Bool] {
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
