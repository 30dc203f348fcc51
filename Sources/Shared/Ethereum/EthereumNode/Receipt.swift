import JSON
package import Primitives
package import Transactions

/// What became of a transaction that is in a block (eth_getTransactionReceipt).
package struct Receipt: Equatable, Sendable {
    /// The transaction.
    package let transactionHash: Bytes32
    /// The block's number.
    package let blockNumber: UInt64
    /// Whether the receipt is a promise of the one who will make the block: its hash is null or zero.
    package let isPromise: Bool
    /// Whether it succeeded; false if it reverted.
    package let isSuccess: Bool
    /// The gas it used, if the node says so.
    package let gasUsed: UInt64?
    /// What a unit of gas cost, in wei.
    package let effectiveGasPrice: UInt256?
    /// What the contracts wrote into the log, in their order.
    package let logs: [Log]

    /// One entry of the log.
    package struct Log: Equatable, Sendable {
        /// The contract that wrote it.
        package let address: Address
        /// The event's topic, and its indexed values.
        package let topics: [Bytes32]
        /// The other values.
        package let data: [UInt8]
    }

    /// Reads the answer to eth_getTransactionReceipt.
    ///
    /// What became of a transaction is known from its hash, its block's number and its status. Whatever else is absent
    /// or malformed counts as absent.
    ///
    /// - Throws: ``NodeError`` if one of the three is missing or malformed.
    init(json: JSONValue) throws(NodeError) {
        let method = "eth_getTransactionReceipt"
        transactionHash = try json.member("transactionHash", of: method).hash(of: method)
        blockNumber = try json.member("blockNumber", of: method).number(of: method)
        isSuccess = try json.member("status", of: method).number(of: method) == 1
        let blockHash = json.object?["blockHash"]
        isPromise = blockHash?.isNull == true || (try? blockHash?.hash(of: method)) == .zero
        gasUsed = try? json.member("gasUsed")?.number(of: method)
        effectiveGasPrice = try? json.member("effectiveGasPrice")?.quantity(of: method)
        logs = (json.member("logs")?.array ?? []).compactMap { try? Log(json: $0, method: method) }
    }
}

extension Receipt.Log {
    fileprivate init(json: JSONValue, method: String) throws(NodeError) {
        address = try json.member("address", of: method).address(of: method)
        topics = try json.member("topics", of: method).elements(of: method).map { topic throws(NodeError) in
            try topic.hash(of: method)
        }
        data = try json.member("data", of: method).bytes(of: method)
    }
}

extension EthereumNode {
    /// What a transaction reverted with; nil if that is not found. Receipts do not say it, so the call is tried again
    /// around the transaction's block.
    package func revertData(of signed: SignedTransaction, in block: UInt64) -> [UInt8]? {
        let transaction = signed.transaction
        let call = CallRequest(
            from: signed.sender, to: transaction.to, data: transaction.data, value: transaction.value,
            accessList: transaction.accessList)
        for number in [block, block &- 1] {
            if case .reverted(let data)? = try? ask(.call(call, at: .number(number))) { return data }
        }
        return nil
    }
}
