import JSON
package import Primitives

/// Base fees and tips of the newest blocks (eth_feeHistory), and what to offer after them.
package struct FeeHistory: Equatable, Sendable {
    /// The number of blocks requested.
    static let blockCount: UInt64 = 10
    /// At which percentile of a block's gas its tip is read.
    static let percentile = 20
    /// Blocks that used less of their gas than this say nothing of what a tip must be.
    private static let nearlyEmpty = 0.1

    /// The base fee of the block to come, in wei.
    package let nextBaseFee: UInt256
    /// What to tip for each unit of gas, in wei: the median of the tips that were paid, and at least 1.
    package let maxPriorityFeePerGas: UInt256

    package init(nextBaseFee: UInt256, maxPriorityFeePerGas: UInt256) {
        (self.nextBaseFee, self.maxPriorityFeePerGas) = (nextBaseFee, maxPriorityFeePerGas)
    }

    /// What to offer for each unit of gas, in wei: room for the base fee to double, and the tip.
    ///
    /// - Parameter tip: the tip, if it is not ``maxPriorityFeePerGas``.
    package func maxFeePerGas(tip: UInt256? = nil) -> UInt256 {
        nextBaseFee.multiplied(by: 2)?.adding(tip ?? maxPriorityFeePerGas) ?? .max
    }

    /// Reads the answer to eth_feeHistory.
    ///
    /// - Throws: ``NodeError`` if a member is missing or malformed.
    init(json: JSONValue) throws(NodeError) {
        let method = "eth_feeHistory"
        let baseFees = try json.member("baseFeePerGas", of: method).elements(of: method)
        guard let next = baseFees.last else { throw .malformed(method: method, expected: "a history of base fees") }
        nextBaseFee = try next.quantity(of: method)

        let ratios = (json.member("gasUsedRatio")?.array ?? []).map(Self.ratio)
        let tips = try (json.member("reward")?.array ?? []).map { reward throws(NodeError) in
            try reward.elements(of: method).first?.quantity(of: method) ?? 0
        }
        let paid = tips.enumerated().filter { index, tip in
            tip > 0 && (ratios.count != tips.count || ratios[index] >= Self.nearlyEmpty)
        }
        let candidates = (paid.isEmpty ? Array(tips.enumerated()).filter { $0.element > 0 } : Array(paid))
        maxPriorityFeePerGas = Self.median(candidates.map(\.element))
    }

    private static func ratio(_ value: JSONValue) -> Double {
        guard case .number(let digits) = value else { return 0 }
        return Double(digits) ?? 0
    }

    /// The middle value; of two, the lower. 1 wei for none.
    private static func median(_ tips: [UInt256]) -> UInt256 {
        let sorted = tips.sorted()
        return sorted.isEmpty ? 1 : sorted[(sorted.count - 1) / 2]
    }
}

extension EthereumNode {
    /// Base fees and tips of the newest blocks, from whatever the node offers of them.
    ///
    /// - Parameter retryBudget: how long the node is asked again, if not for the usual time.
    /// - Throws: ``NodeError``.
    package func fees(retryBudget: Duration? = nil) throws(NodeError) -> FeeHistory {
        do { return try ask(.feeHistory, retryBudget: retryBudget) } catch {
            return try fees(without: error, retryBudget: retryBudget)
        }
    }

    /// What the newest block and the node's own prices say of fees, where it has no history of them.
    ///
    /// - Parameter error: why there is no history.
    /// - Throws: ``NodeError``; `error`, if nothing else says what fees are usual.
    package func fees(without error: NodeError, retryBudget: Duration? = nil) throws(NodeError) -> FeeHistory {
        if case .failed = error { throw error }
        var batch = NodeBatch()
        let (block, tip, price) = (
            batch.add(.newestBlock), batch.add(.maxPriorityFeePerGas), batch.add(.gasPrice)
        )
        let answers = try ask(batch, retryBudget: retryBudget)
        let gasPrice = try? answers.answer(to: price)
        let baseFee = try? answers.answer(to: block)?["baseFeePerGas"]?.quantity(of: "eth_getBlockByNumber")
        // From one block to the next it rises by an eighth at most (EIP-1559).
        guard let next = baseFee.flatMap({ $0.adding($0.quotientAndRemainder(dividingBy: 8).quotient) }) ?? gasPrice
        else { throw error }
        let usual = (try? answers.answer(to: tip)) ?? baseFee.flatMap { gasPrice?.subtracting($0) } ?? 1
        return FeeHistory(nextBaseFee: next, maxPriorityFeePerGas: max(usual, 1))
    }
}
