package import JSON
package import Primitives

/// A question to a node, and how its answer is read.
package struct NodeQuery<Answer: Sendable>: Sendable {
    /// The JSON-RPC method and its parameters.
    package let call: RPCCall
    /// Whether the node may get the call once at most: it sends something.
    let isSentOnce: Bool
    /// Reads the result.
    ///
    /// - Throws: ``NodeError`` if it is malformed.
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

    /// The answer that a result or an error of the node is.
    func answer(_ result: Result<JSONValue, RPCError>) -> Result<Answer, NodeError> {
        switch result {
        case .success(let value):
            do throws(NodeError) { return .success(try parse(value)) } catch { return .failure(error) }
        case .failure(let error):
            if let answer = parseError(error) { return .success(answer) }
            return .failure(error.isOfMethod && !error.isTransient ? .methodFailed(call.method, error) : .failed(error))
        }
    }
}

/// Which block a question is about.
package enum BlockTag: Sendable, Equatable {
    /// A block tag as nodes know it.
    case latest, pending, safe, finalized
    /// The block of a number.
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

    /// The gas that the transactions of the newest block may use together.
    package static let blockGasLimit = NodeQuery(
        "eth_getBlockByNumber", [BlockTag.latest.json, .bool(false)]
    ) { value throws(NodeError) in
        let method = "eth_getBlockByNumber"
        return try value.member("gasLimit", of: method).number(of: method)
    }

    /// How many transactions an account has sent: its next nonce.
    package static func transactionCount(of address: Address, at block: BlockTag) -> NodeQuery {
        NodeQuery("eth_getTransactionCount", [.string(address.checksummed), block.json]) { value throws(NodeError) in
            try value.number(of: "eth_getTransactionCount")
        }
    }
}

extension NodeQuery where Answer == UInt256 {
    /// What an account has, in wei.
    package static func balance(of address: Address, at block: BlockTag) -> NodeQuery {
        NodeQuery("eth_getBalance", [.string(address.checksummed), block.json]) { value throws(NodeError) in
            try value.quantity(of: "eth_getBalance")
        }
    }
}

extension NodeQuery where Answer == UInt256 {
    /// What the node tips for a unit of gas, in wei (geth's, and of most nodes).
    static let maxPriorityFeePerGas = NodeQuery("eth_maxPriorityFeePerGas", []) { value throws(NodeError) in
        try value.quantity(of: "eth_maxPriorityFeePerGas")
    }

    /// What a unit of gas costs by the node's opinion, in wei, tip included.
    static let gasPrice = NodeQuery("eth_gasPrice", []) { value throws(NodeError) in
        try value.quantity(of: "eth_gasPrice")
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
        let method = "eth_getTransactionReceipt"
        return NodeQuery(method, [.string(hash.hex)]) { value throws(NodeError) in
            guard !value.isNull else { return nil }
            let receipt = try Receipt(json: value)
            guard receipt.transactionHash == hash else {
                throw .malformed(method: method, expected: "the receipt of \(hash), but of \(receipt.transactionHash)")
            }
            return receipt
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

/// What a node states and nothing has proven yet.
package typealias UnprovenObject = JSONObject

extension NodeQuery where Answer == UnprovenObject? {
    /// A block by its number, as the node states it; nil if the node has none of that number.
    ///
    /// `BlockHeader` judges it, and `MinedTransaction` its transactions.
    /// - Parameter isWhole: whether it comes with its transactions, not with their hashes.
    package static func block(number: UInt64, isWhole: Bool = false) -> NodeQuery {
        block("eth_getBlockByNumber", .string(number.quantity), isWhole: isWhole)
    }

    /// A block by its hash, as the node states it; nil if the node knows none. See `block(number:)`.
    package static func block(hash: Bytes32) -> NodeQuery { block("eth_getBlockByHash", .string(hash.hex)) }

    /// The newest block, as the node states it.
    package static let newestBlock = block("eth_getBlockByNumber", BlockTag.latest.json)

    private static func block(_ method: String, _ name: JSONValue, isWhole: Bool = false) -> NodeQuery {
        NodeQuery(method, [name, .bool(isWhole)]) { value throws(NodeError) in
            guard !value.isNull else { return nil }
            guard let object = value.object else { throw .malformed(method: method, expected: "a block") }
            return object
        }
    }
}

extension NodeQuery where Answer == UnprovenObject {
    /// An account and words of its storage with proofs of them (EIP-1186), as the node states them.
    ///
    /// `ProvenAccount` judges it. The block is named by its hash (EIP-1898), so that a
    /// reorganisation cannot make an honest answer a false one.
    package static func proof(of address: Address, slots: [Bytes32], atBlock hash: Bytes32) -> NodeQuery {
        let block = JSONValue.members(["blockHash": .string(hash.hex)])
        let keys = JSONValue.array(slots.map { .string($0.hex) })
        return NodeQuery("eth_getProof", [.string(address.checksummed), keys, block]) { value throws(NodeError) in
            guard let object = value.object else { throw .malformed(method: "eth_getProof", expected: "a proof") }
            return object
        }
    }
}

extension NodeQuery where Answer == Bytes32 {
    /// A word of a contract's storage; zero where nothing was ever written.
    package static func storage(of address: Address, at slot: Bytes32, block: BlockTag) -> NodeQuery {
        NodeQuery("eth_getStorageAt", [.string(address.checksummed), .string(slot.hex), block.json]) {
            value throws(NodeError) in try value.hash(of: "eth_getStorageAt")
        }
    }
}

// Nodes write numbers and hashes in more forms than the specification has. What can mean one thing only is read.

extension JSONValue {
    private func parsed<Value>(
        of method: String, as expected: String, _ parse: (String) throws(PrimitiveError) -> Value
    ) throws(NodeError) -> Value {
        guard let string, let value = try? parse(string) else {
            throw .malformed(method: method, expected: expected)
        }
        return value
    }

    /// The quantity of at most 64 bits that the value is; zeros may precede it.
    ///
    /// - Throws: `NodeError/malformed(method:expected:)` if it is not.
    func number(of method: String) throws(NodeError) -> UInt64 {
        try parsed(of: method, as: "a quantity of at most 64 bits") { text throws(PrimitiveError) in
            try UInt64(quantity: text.withoutLeadingZeros)
        }
    }

    /// The quantity that the value is; in the forms of ``number(of:)``.
    ///
    /// - Throws: `NodeError/malformed(method:expected:)` if it is not.
    func quantity(of method: String) throws(NodeError) -> UInt256 {
        try parsed(of: method, as: "a quantity") { text throws(PrimitiveError) in
            try UInt256(quantity: text.withoutLeadingZeros)
        }
    }

    /// The bytes that the value is.
    ///
    /// - Throws: `NodeError/malformed(method:expected:)` if it is not.
    func bytes(of method: String) throws(NodeError) -> [UInt8] {
        try parsed(of: method, as: "hex") { text throws(PrimitiveError) in try Hex.decode(text) }
    }

    /// The 32 bytes that the value is; 0x may be absent.
    ///
    /// - Throws: `NodeError/malformed(method:expected:)` if it is not.
    func hash(of method: String) throws(NodeError) -> Bytes32 {
        try parsed(of: method, as: "32 bytes of hex") { text throws(PrimitiveError) in
            try Bytes32(hex: text, prefix: .optional)
        }
    }

    /// The address that the value is.
    ///
    /// - Throws: `NodeError/malformed(method:expected:)` if it is not.
    func address(of method: String) throws(NodeError) -> Address {
        try parsed(of: method, as: "an address") { text throws(PrimitiveError) in try Address(hex: text) }
    }

    /// A member of the object that the value is; absent and null are nil.
    func member(_ name: String) -> JSONValue? { object?[name].flatMap { $0.isNull ? nil : $0 } }

    /// A member that must be there.
    ///
    /// - Throws: `NodeError/malformed(method:expected:)` if it is absent or null.
    func member(_ name: String, of method: String) throws(NodeError) -> JSONValue {
        guard let value = member(name) else { throw .malformed(method: method, expected: "an object with \(name)") }
        return value
    }

    /// The elements of the array that the value is.
    ///
    /// - Throws: `NodeError/malformed(method:expected:)` if it is not.
    func elements(of method: String) throws(NodeError) -> [JSONValue] {
        guard let array else { throw .malformed(method: method, expected: "an array") }
        return array
    }
}

extension String {
    /// A quantity as the specification has it, from one with leading zeros.
    fileprivate var withoutLeadingZeros: String {
        guard hasPrefix("0x0") else { return self }
        let digits = dropFirst(2).drop { $0 == "0" }
        return "0x" + (digits.isEmpty ? "0" : digits)
    }
}
