import BigInt
package import Node
package import Primitives
package import Transactions

/// How much a unit of gas may cost.
package struct FeeRules: Sendable {
    /// The most that a unit of gas may cost, in wei; nil for no limit but the tip's.
    package var maxFee: Quantity?
    /// The least that is tipped unasked, in wei.
    package var leastTip: Quantity

    package init(maxFee: Quantity? = nil, leastTip: Quantity = Self.usualLeastTip) {
        self.maxFee = maxFee
        self.leastTip = leastTip
    }

    /// 0.001 gwei: what nodes of the OP stack want at least, and next to nothing elsewhere.
    package static let usualLeastTip = Quantity(UInt64(1_000_000))
    /// The highest tip that is offered unasked, 50 gwei: a node that names a higher one errs or lies.
    private static let mostTip = Quantity(UInt64(50_000_000_000))

    /// The fees of a transaction: what the request says, and the rest from the newest blocks, within the limit.
    ///
    /// - Parameter history: gives the newest blocks' fees; not called where the request says all.
    /// - Throws: ``SendError/tooExpensive(baseFee:limit:)``, and what `history` throws.
    package func fees(
        for request: TransactionRequest, after history: () throws -> FeeHistory
    ) throws -> (tip: Quantity, most: Quantity) {
        if let tip = request.maxPriorityFeePerGas, let most = request.maxFeePerGas, maxFee.map({ most <= $0 }) ?? true {
            return (tip, most)
        }
        let history = try history()
        if let maxFee, history.nextBaseFee > maxFee {
            throw SendError.tooExpensive(baseFee: history.nextBaseFee, limit: maxFee)
        }
        let usual = min(max(history.maxPriorityFeePerGas, leastTip), max(Self.mostTip, leastTip))
        let tip = request.maxPriorityFeePerGas ?? usual
        var most = request.maxFeePerGas ?? history.maxFeePerGas(tip: tip)
        if let maxFee { most = min(most, maxFee) }
        return (min(tip, most), most)
    }

    /// The fees of a transaction that takes another's place: as much as is usual now, and an eighth more than
    /// before, since nodes take nothing less than a tenth more.
    ///
    /// - Returns: nil where the limit leaves no room for that.
    package func raised(
        _ transaction: FeeMarketTransaction, after history: FeeHistory
    ) -> (tip: Quantity, most: Quantity)? {
        let usualTip = min(max(history.maxPriorityFeePerGas, leastTip), max(Self.mostTip, leastTip))
        guard let tip = transaction.maxPriorityFeePerGas.raised, let most = transaction.maxFeePerGas.raised else {
            return nil
        }
        let newTip = max(tip, usualTip)
        let newMost = max(most, history.maxFeePerGas(tip: newTip), newTip)
        guard let maxFee, newMost > maxFee else { return (newTip, newMost) }
        return most <= maxFee ? (min(newTip, maxFee), maxFee) : nil
    }
}

extension Quantity {
    /// An eighth more, and at least 1; nil beyond 256 bits.
    fileprivate var raised: Quantity? { try? Quantity(value + value / 8 + 1) }
}
