package import JSON
package import Primitives

/// A question to a node, and how its answer is read.
package struct NodeQuery<Answer: Sendable>: Sendable {
    /// The JSON-RPC method and its parameters.
    package let call: RPCCall
    /// Whether the node may get the call once at most: it sends something.
    let isSentOnce: Bool
    /// Reads the result.
    let parse: @Sendable (JSONValue) throws(NodeError) -> Answer
    /// Reads an error that is an answer too, such as a revert; nil for all others.
    let parseError: @Sendable (RPCError) -> Answer?

    init(
        _ method: String, _ parameters: [JSONValue], isSentOnce: Bool = false,
        parseError: @escaping @Sendable (RPCError) -> Answer? = { _ in nil },
        parse: @escaping @Sendable (JSONValue) throws(NodeError) -> Answer
    ) {
        call = RPCCall(method, parameters)
        self.isSentOnce = isSentOnce
        self.parse = parse
        self.parseError = parseError
    }

    func answer(_ result: Result<JSONValue, RPCError>) -> Result<Answer, NodeError> {
        switch result {
        case .success(let value):
            do throws(NodeError) { return .success(try parse(value)) } catch { return .failure(error) }
        case .failure(let error):
            if let answer = parseError(error) { return .success(answer) }
            return .failure(.failed(error))
        }
    }
}

/// Which block a question is about.
package enum BlockTag: Sendable, Equatable {
    case latest, pending, safe, finalized
    case number(UInt64)

    var json: JSONValue {
        switch self {
        case .latest: "latest"
        case .pending: "pending"
        case .safe: "safe"
        case .finalized: "finalized"
        case .number(let number): .string(number.quantity)
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) { self = .string(text) }
}

extension NodeQuery where Answer == UInt64 {
    /// The id of the node's chain.
    package static let chainId = NodeQuery("eth_chainId", []) { value throws(NodeError) in
        try value.number(of: "eth_chainId")
    }

    /// The number of the newest block.
    package static let blockNumber = NodeQuery("eth_blockNumber", []) { value throws(NodeError) in
        try value.number(of: "eth_blockNumber")
    }

    /// How many transactions an account has sent: its next nonce.
    package static func transactionCount(of address: Address, at block: BlockTag) -> NodeQuery {
        NodeQuery("eth_getTransactionCount", [.string(address.checksummed), block.json]) { value throws(NodeError) in
            try value.number(of: "eth_getTransactionCount")
        }
    }
}

extension NodeQuery where Answer == Quantity {
    /// What an account has, in wei.
    package static func balance(of address: Address, at block: BlockTag) -> NodeQuery {
        NodeQuery("eth_getBalance", [.string(address.checksummed), block.json]) { value throws(NodeError) in
            try value.quantity(of: "eth_getBalance")
        }
    }
}

extension NodeQuery where Answer == [UInt8] {
    /// A contract's code; no bytes where there is none.
    package static func code(of address: Address, at block: BlockTag) -> NodeQuery {
        NodeQuery("eth_getCode", [.string(address.checksummed), block.json]) { value throws(NodeError) in
            try value.bytes(of: "eth_getCode")
        }
    }
}

extension NodeQuery where Answer == Bytes32 {
    /// Hands a signed transaction to the node; the answer is the hash that the node gives it.
    package static func send(raw: [UInt8]) -> NodeQuery {
        NodeQuery("eth_sendRawTransaction", [.string(raw.hex)], isSentOnce: true) { value throws(NodeError) in
            try value.hash(of: "eth_sendRawTransaction")
        }
    }
}

extension NodeQuery where Answer == Receipt? {
    /// What became of a transaction; nil as long as it is in no block.
    package static func receipt(of hash: Bytes32) -> NodeQuery {
        NodeQuery("eth_getTransactionReceipt", [.string(hash.hex)]) { value throws(NodeError) in
            value.isNull ? nil : try Receipt(json: value)
        }
    }
}

extension NodeQuery where Answer == Receipt {
    /// Hands a signed transaction to the node, and waits there until it is in a block (EIP-7966).
    package static func sendAndWait(raw: [UInt8]) -> NodeQuery {
        NodeQuery("eth_sendRawTransactionSync", [.string(raw.hex)], isSentOnce: true) { value throws(NodeError) in
            try Receipt(json: value)
        }
    }
}

extension NodeQuery where Answer == Bool {
    /// Whether the node knows a transaction, in a block or waiting for one.
    package static func knows(_ hash: Bytes32) -> NodeQuery {
        NodeQuery("eth_getTransactionByHash", [.string(hash.hex)]) { value throws(NodeError) in !value.isNull }
    }
}

extension NodeQuery where Answer == FeeHistory {
    /// Base fees and tips of the newest blocks.
    package static let feeHistory = NodeQuery(
        "eth_feeHistory",
        [
            .string(FeeHistory.blockCount.quantity), "latest", .array([.number(FeeHistory.percentile)]),
        ]
    ) { value throws(NodeError) in try FeeHistory(json: value) }
}
