package import EthereumNode
package import FakeNode
package import JSON
package import Primitives
package import Secp256k1
import SecretMemory
package import Transactions

/// A contract, of the EIP-55 examples.
package let contract = Address(checked: [UInt8](repeating: 0xC0, count: 20))

/// An amount.
package func wei(_ amount: UInt64) -> UInt256 { UInt256(amount) }

/// A key that everybody knows.
package func testKey() throws -> SecretKey { try SecretKey(SecretBytes(copying: [UInt8](repeating: 0x46, count: 32))) }

/// The account of ``testKey()``, as EIP-155's example has it.
package let account = "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F"

/// What a chain says to whoever prepares a transaction, each part of which a test may change.
package struct FakeChain: Sendable {
    package var chainId: FakeNode.Reply
    package var nonce: FakeNode.Reply
    package var balance: FakeNode.Reply
    package var fees: FakeNode.Reply
    package var code: FakeNode.Reply
    package var gas: FakeNode.Reply
    package var call: FakeNode.Reply
    /// What requests come to one on top of the other.
    package var simulation: FakeNode.Reply
    /// The newest block.
    package var block = FakeNode.Reply.error(-32601, "no such method")
    /// What the oracle of the OP stack says, which most chains have not.
    package var l1Fee: FakeNode.Reply
    /// Whether the node knows a transaction.
    package var isKnown: Bool
    /// What becomes of a transaction that is sent; the hash that is its own, if nil.
    package var send: FakeNode.Reply?
    /// The receipts that are given, one after the other, the last again and again.
    package var receipts: [FakeNode.Reply]
    /// The numbers of the newest block, in the same way.
    package var heads: [FakeNode.Reply]

    package init(
        chainId: FakeNode.Reply = .text("0x2105"),
        nonce: FakeNode.Reply = .text("0x7"),
        balance: FakeNode.Reply = .text("0xde0b6b3a7640000"),
        fees: FakeNode.Reply = .result(
            .members([
                "baseFeePerGas": .array([.string("0x3b9aca00")]), "gasUsedRatio": .array([.number("0.5")]),
                "reward": .array([.array([.string("0x5f5e100")])]),
            ])),
        code: FakeNode.Reply = .text("0x6080"),
        gas: FakeNode.Reply = .text("0x186a0"),
        call: FakeNode.Reply = .text("0x"),
        simulation: FakeNode.Reply = .error(-32601, "no such method"),
        l1Fee: FakeNode.Reply = .text("0x"),
        isKnown: Bool = true,
        send: FakeNode.Reply? = nil,
        receipts: [FakeNode.Reply] = [.result(.null)],
        heads: [FakeNode.Reply] = [.text("0x64")]
    ) {
        self.chainId = chainId
        self.nonce = nonce
        self.balance = balance
        self.fees = fees
        self.code = code
        self.gas = gas
        self.call = call
        self.simulation = simulation
        self.l1Fee = l1Fee
        self.isKnown = isKnown
        self.send = send
        self.receipts = receipts
        self.heads = heads
    }

    package func answer(_ call: FakeNode.Call) -> FakeNode.Reply {
        switch call.method {
        case "eth_chainId": chainId
        case "eth_getTransactionCount": nonce
        case "eth_getBalance": balance
        case "eth_feeHistory": fees
        case "eth_getCode": code
        case "eth_estimateGas": gas
        case "eth_simulateV1": simulation
        case "eth_getBlockByNumber": block
        case "eth_getTransactionByHash": .result(isKnown ? .members([:]) : .null)
        case "eth_call" where call.request?["to"] == "0x420000000000000000000000000000000000000F": l1Fee
        case "eth_call": self.call
        case "eth_sendRawTransaction": send ?? .text(Self.hash(of: call))
        case "eth_getTransactionReceipt": receipts[min(call.ordinal, receipts.count - 1)]
        case "eth_blockNumber": heads[min(call.ordinal, heads.count - 1)]
        default: .error(-32601, "no such method")
        }
    }

    /// The hash of the transaction that a call sends.
    package static func hash(of call: FakeNode.Call) -> String {
        let raw = try? Hex.decode(call.parameters.first?.string ?? "")
        return Keccak256.hash(raw ?? []).hex
    }

    /// A receipt of a transaction in the block 0x64.
    package static func receipt(
        of hash: Bytes32, isSuccess: Bool = true, block: String = "0x64",
        blockHash: Bytes32 = Bytes32(checked: [UInt8](repeating: 0xBB, count: 32)), logs: [JSONValue] = []
    ) -> FakeNode.Reply {
        .result(
            .members([
                "transactionHash": .string(hash.hex), "blockNumber": .string(block),
                "blockHash": .string(blockHash.hex),
                "status": .string(isSuccess ? "0x1" : "0x0"), "gasUsed": .string("0x5208"),
                "effectiveGasPrice": .string("0x3b9aca07"), "contractAddress": .null, "logs": .array(logs),
            ]))
    }

    /// Runs `body` with a node of this chain, and ends it.
    package func run<Result>(_ body: (FakeNode, EthereumNode) throws -> Result) throws -> Result {
        try withFakeNode({ answer($0) }, body)
    }
}

extension TransactionRequest {
    /// A call of the contract that leaves everything open.
    package static var open: TransactionRequest { TransactionRequest(label: "test", to: contract, data: [1, 2, 3, 4]) }

    /// A call of the contract that leaves nothing open.
    package static var complete: TransactionRequest {
        var request = open
        request.chainId = 8453
        request.nonce = 7
        request.gas = 100_000
        request.maxFeePerGas = wei(2_000_000_000)
        request.maxPriorityFeePerGas = wei(1)
        return request
    }

    /// The request with changes.
    package func with(_ change: (inout TransactionRequest) -> Void) -> TransactionRequest {
        var request = self
        change(&request)
        return request
    }
}

/// The hash of ``TransactionRequest/complete``, signed by ``testKey()``.
package func completeHash() throws -> Bytes32 {
    FeeMarketTransaction(
        chainId: 8453, nonce: 7, maxPriorityFeePerGas: wei(1), maxFeePerGas: wei(2_000_000_000), gasLimit: 100_000,
        to: contract, value: 0, data: [1, 2, 3, 4]
    ).signed(by: try testKey()).hash
}
