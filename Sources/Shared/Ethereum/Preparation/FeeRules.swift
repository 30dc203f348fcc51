import ABI
package import EthereumNode
package import Primitives
package import Transactions

/// How much a unit of gas may cost.
package struct FeeRules: Sendable {
    /// The most that a unit of gas may cost, in wei; nil for no limit but those of tips and of ``FeeLimit``.
    package var maxFee: UInt256?
    /// The least that is tipped unasked, in wei.
    package var leastTip: UInt256

    package init(maxFee: UInt256? = nil, leastTip: UInt256 = Self.usualLeastTip) {
        self.maxFee = maxFee
        self.leastTip = leastTip
    }

    /// 0.001 gwei: what nodes of the OP stack want at least, and next to nothing elsewhere.
    package static let usualLeastTip: UInt256 = 1_000_000
    /// The highest tip that is offered unasked, 50 gwei: a node that names a higher one errs or lies.
    private static let mostTip: UInt256 = 50_000_000_000

    /// The fees of a transaction: what the request says, and the rest from the newest blocks, within the limit.
    ///
    /// - Parameter history: gives the newest blocks' fees; not called where the request says all.
    /// - Throws: ``PreparationError/tooExpensive(baseFee:limit:)``, and what `history` throws; but where ``maxFee``
    ///   says what to offer, a node that knows no fees is no error.
    package func fees(
        for request: TransactionRequest, after history: () throws -> FeeHistory
    ) throws -> (tip: UInt256, most: UInt256) {
        if let tip = request.maxPriorityFeePerGas, let most = request.maxFeePerGas, maxFee.map({ most <= $0 }) ?? true {
            return (tip, most)
        }
        let found: FeeHistory
        do { found = try history() } catch let error as NodeError {
            if case .failed = error { throw error }
            guard let maxFee else { throw error }
            let most = min(request.maxFeePerGas ?? maxFee, maxFee)
            return (min(request.maxPriorityFeePerGas ?? leastTip, most), most)
        }
        if let maxFee, found.nextBaseFee > maxFee {
            throw PreparationError.tooExpensive(baseFee: found.nextBaseFee, limit: maxFee)
        }
        let tip = request.maxPriorityFeePerGas ?? usualTip(found)
        var most = request.maxFeePerGas ?? found.maxFeePerGas(tip: tip)
        if let maxFee { most = min(most, maxFee) }
        return (min(tip, most), most)
    }

    /// The fees of a transaction that takes another's place: as much as is usual now, and an eighth more than
    /// before, since nodes take nothing less than a tenth more.
    ///
    /// - Parameters:
    ///   - offers: what was offered for the nonce, oldest first; at least one.
    ///   - requestLimit: the most that the request allows for a unit of gas, in wei.
    /// - Throws: ``FeeLimit`` where there is no room for that.
    package func raised(
        _ offers: [FeeMarketTransaction], requestLimit: UInt256?, after history: FeeHistory
    ) throws(FeeLimit) -> (tip: UInt256, most: UInt256) {
        guard let first = offers.first, let newest = offers.last, offers.count < FeeLimit.mostOffers else {
            throw .offers
        }
        let limit = [maxFee, requestLimit].compactMap(\.self).min()
        let feeLimit = limit ?? first.maxFeePerGas.multiplied(by: FeeLimit.mostRaised) ?? .max
        let tipLimit = min(
            limit ?? first.maxPriorityFeePerGas.multiplied(by: FeeLimit.mostRaised) ?? .max, feeLimit)
        guard let leastTip = newest.maxPriorityFeePerGas.raised, leastTip <= tipLimit,
            let leastFee = newest.maxFeePerGas.raised, leastFee <= feeLimit
        else { throw limit == nil ? .firstOffer : .named }
        let tip = min(max(leastTip, usualTip(history)), tipLimit)
        return (tip, min(max(leastFee, history.maxFeePerGas(tip: tip), tip), feeLimit))
    }

    private func usualTip(_ history: FeeHistory) -> UInt256 {
        min(max(history.maxPriorityFeePerGas, leastTip), max(Self.mostTip, leastTip))
    }
}

/// Why a transaction is not replaced by one with higher fees.
package enum FeeLimit: Error, Equatable, CustomStringConvertible {
    /// As many were offered for the nonce as may be.
    case offers
    /// No limit was named, and it would be too many times the first offer.
    case firstOffer
    /// The operator or the request names a limit.
    case named

    /// How many transactions are offered for one nonce at most.
    fileprivate static let mostOffers = 20
    /// How many times the first offer the fees of its replacements may be, where no limit was named.
    fileprivate static let mostRaised: UInt64 = 10

    package var description: String {
        switch self {
        case .offers: "\(Self.mostOffers) transactions were sent"
        case .firstOffer: "they would be more than ten times the first offer (--max-fee allows more)"
        case .named: "its limit is reached (--max-fee, maxFeePerGas)"
        }
    }
}

extension UInt256 {
    /// An eighth more, and at least 1; nil if that is no fee any more.
    fileprivate var raised: UInt256? { adding(quotientAndRemainder(dividingBy: 8).quotient)?.adding(1) }
}

/// What rollups of the OP stack, as Base is one, take for publishing a transaction on their parent chain. It comes
/// on top of the gas, and depends on the transaction's bytes.
///
/// The chain's GasPriceOracle tells (a predeploy of the OP stack): `getL1Fee(bytes)` of the transaction without its
/// signature. Other chains have nothing at its address.
enum L1Fee {
    private static let oracle = Address(checked: [0x42] + [UInt8](repeating: 0, count: 18) + [0x0F])

    private static let getL1Fee = ABIFunction(
        name: "getL1Fee", inputs: [ABIParameter(.bytes, name: "data")], outputs: [ABIParameter(.uint(.word))],
        mutability: .view)

    /// Asks for the fee of a request, with numbers of full length in place of those that are not known yet.
    ///
    /// - Throws: `ABIError` if the transaction cannot be encoded.
    static func question(_ request: TransactionRequest) throws(ABIError) -> NodeQuery<CallOutcome<[UInt8]>> {
        let long: UInt256 = 0xFFFF_FFFF_FFFF
        let transaction = FeeMarketTransaction(
            chainId: request.chainId ?? UInt64(UInt32.max), nonce: request.nonce ?? UInt64(UInt16.max),
            maxPriorityFeePerGas: request.maxPriorityFeePerGas ?? long, maxFeePerGas: request.maxFeePerGas ?? long,
            gasLimit: request.gas ?? UInt64(UInt32.max), to: request.to, value: request.value, data: request.data,
            accessList: request.accessList)
        let data = try getL1Fee.encodeCall([.bytes(transaction.unsigned)])
        return .call(CallRequest(to: oracle, data: data), at: .latest)
    }

    /// The fee in wei; nil for a chain that takes none.
    static func answer(_ outcome: CallOutcome<[UInt8]>) -> UInt256? {
        guard case .returned(let data) = outcome, !data.isEmpty,
            case .uint(let fee)? = try? getL1Fee.decodeResult(data).first
        else { return nil }
        return fee
    }
}
