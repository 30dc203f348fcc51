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
        guard rest.count < requests.count, !rest.isEmpty, try answers.simulation() != nil else {
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
        let answers = try WaveAnswers(
            WaveAnswers.Questions(
                requests: requests, sender: sender, isSimulated: isSimulated,
                isEstimated: !isSimulated || traits.simulates == nil, triesAlways: purpose == .dryRun,
                asksL1Fee: checksFunds && traits.hasL1Fee), from: node)
        if isSimulated { traits.simulates = try answers.simulation() != nil }
        return answers
    }

    private func wave(
        _ requests: [TransactionRequest], _ needless: [Bool], _ answers: WaveAnswers, _ before: Standing,
        _ traits: inout NodeTraits
    ) throws -> Wave {
        let simulation = try answers.simulation()
        var standing = before
        var wave = Wave()
        for (index, request) in requests.enumerated() {
            do {
                try check(answers.chainId(), for: request)
                guard !needless[index] else {
                    wave.preparations.append(.needless)
                    continue
                }
                var preparation = try prepare(request, at: index, answers, simulation?[index].call, standing, &traits)
                // What reverts now may not once what is on its way has arrived.
                let isOpen = simulation == nil ? standing.isWaiting : before.isWaiting
                if case .reverts = preparation, isOpen {
                    guard purpose == .sending else { throw SendError.dependent(label: request.label) }
                    preparation = .waits
                }
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

    private func prepare(
        _ request: TransactionRequest, at place: Int, _ answers: WaveAnswers, _ simulated: SimulatedCall?,
        _ standing: Standing, _ traits: inout NodeTraits
    ) throws -> Preparation {
        if try answers.callsNobody(place), let to = request.to { throw SendError.noContract(to) }
        // Nodes refuse to estimate what cannot be paid, each in its own words.
        if checksFunds { try check(answers.balance(), for: standing.cost + request.value.value) }
        var gasUsed: UInt64?
        if request.gas == nil || purpose == .dryRun {
            switch try simulated.map(\.outcomeOfGas) ?? answers.estimate(place) {
            case .reverted(let data): return .reverts(data)
            case .returned(let gas): gasUsed = gas
            case nil: break
            }
        }
        let gas = try request.gas ?? gasLimit(gasUsed, isSimulated: simulated != nil)
        let (tip, most) = try fees.fees(for: request, after: answers.feeHistory)
        let transaction = FeeMarketTransaction(
            chainId: try answers.chainId(), nonce: try request.nonce ?? max(answers.nonce(), standing.leastNonce),
            maxPriorityFeePerGas: tip, maxFeePerGas: most, gasLimit: gas, to: request.to, value: request.value,
            data: request.data)
        let l1Fee = try answers.l1Fee(place)
        traits.hasL1Fee = traits.hasL1Fee && (!checksFunds || l1Fee != nil)
        let prepared = Prepared(transaction, gasUsed: gasUsed, l1Fee: l1Fee ?? .zero)
        if checksFunds { try check(answers.balance(), for: standing.cost + prepared.maxCost) }
        return .ready(prepared)
    }

    /// More gas than any chain lets a transaction use; an estimate above it is nonsense.
    private static let mostGas: UInt64 = 1 << 32

    /// The gas limit: a fifth more than an estimate, since the state may change before the transaction is in a block;
    /// half as much again as a simulation used, which is after refunds and no search for what is needed.
    private func gasLimit(_ used: UInt64?, isSimulated: Bool) throws(NodeError) -> UInt64 {
        guard let used, used <= Self.mostGas else {
            throw .malformed(
                method: isSimulated ? "eth_simulateV1" : "eth_estimateGas", expected: "a plausible amount of gas")
        }
        return used + used / (isSimulated ? 2 : 5)
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

extension SimulatedCall {
    /// The gas that the call used, or what it reverted with.
    fileprivate var outcomeOfGas: CallOutcome<UInt64> {
        switch outcome {
        case .returned: .returned(gasUsed)
        case .reverted(let data): .reverted(data)
        }
    }
}
