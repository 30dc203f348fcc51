import ABI
import Node
import Primitives
import Transactions

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
    static func question(
        _ request: TransactionRequest
    ) throws(ABIError) -> NodeQuery<CallOutcome<[UInt8]>> {
        let long = Quantity(UInt64.max >> 16)
        let transaction = FeeMarketTransaction(
            chainId: request.chainId ?? UInt64(UInt32.max), nonce: request.nonce ?? UInt64(UInt16.max),
            maxPriorityFeePerGas: request.maxPriorityFeePerGas ?? long, maxFeePerGas: request.maxFeePerGas ?? long,
            gasLimit: request.gas ?? UInt64(UInt32.max), to: request.to, value: request.value, data: request.data)
        let data = try getL1Fee.encodeCall([.bytes(transaction.unsigned)])
        return .call(CallRequest(to: oracle, data: data), at: .latest)
    }

    /// The fee in wei; nil for a chain that takes none.
    static func answer(_ outcome: CallOutcome<[UInt8]>) -> Quantity? {
        guard case .returned(let data) = outcome, !data.isEmpty,
            case .uint(let fee)? = try? getL1Fee.decodeResult(data).first
        else { return nil }
        return try? Quantity(fee)
    }
}
