import EthereumNode
import FakeNode
import Glibc
import JSON
import Primitives
import Secp256k1
import SecretMemory
import Sending
import Synchronization
import Transactions

/// A contract, of the EIP-55 examples.
let contract = Address(checked: [UInt8](repeating: 0xC0, count: 20))

/// An amount.
func wei(_ amount: UInt64) -> Quantity { Quantity(amount) }

/// A key that everybody knows.
func testKey() throws -> SecretKey { try SecretKey(SecretBytes(copying: [UInt8](repeating: 0x46, count: 32))) }

/// The account of ``testKey()``, as EIP-155's example has it.
let account = "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F"

/// What a chain says to whoever prepares a transaction, each part of which a test may change.
struct FakeChain: Sendable {
    var chainId: FakeNode.Reply = .text("0x2105")
    var nonce: FakeNode.Reply = .text("0x7")
    var balance: FakeNode.Reply = .text("0xde0b6b3a7640000")
    var fees: FakeNode.Reply = .result(
        .members([
            "baseFeePerGas": .array([.string("0x3b9aca00")]), "gasUsedRatio": .array([.number("0.5")]),
            "reward": .array([.array([.string("0x5f5e100")])]),
        ]))
    var code: FakeNode.Reply = .text("0x6080")
    var gas: FakeNode.Reply = .text("0x186a0")
    var call: FakeNode.Reply = .text("0x")
    /// What requests come to one on top of the other.
    var simulation: FakeNode.Reply = .error(-32601, "no such method")
    /// What the oracle of the OP stack says, which most chains have not.
    var l1Fee: FakeNode.Reply = .text("0x")
    /// Whether the node knows a transaction.
    var isKnown = true
    /// What becomes of a transaction that is sent; the hash that is its own, if nil.
    var send: FakeNode.Reply?
    /// The receipts that are given, one after the other, the last again and again.
    var receipts: [FakeNode.Reply] = [.result(.null)]
    /// The numbers of the newest block, in the same way.
    var heads: [FakeNode.Reply] = [.text("0x64")]

    func answer(_ call: FakeNode.Call) -> FakeNode.Reply {
        switch call.method {
        case "eth_chainId": chainId
        case "eth_getTransactionCount": nonce
        case "eth_getBalance": balance
        case "eth_feeHistory": fees
        case "eth_getCode": code
        case "eth_estimateGas": gas
        case "eth_simulateV1": simulation
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
    static func hash(of call: FakeNode.Call) -> String {
        let raw = try? Hex.decode(call.parameters.first?.string ?? "")
        return Keccak256.hash(raw ?? []).hex
    }

    /// A receipt of a transaction in the block 0x64.
    static func receipt(
        of hash: Bytes32, isSuccess: Bool = true, block: String = "0x64", logs: [JSONValue] = []
    ) -> FakeNode.Reply {
        .result(
            .members([
                "transactionHash": .string(hash.hex), "blockNumber": .string(block),
                "blockHash": .string("0x" + String(repeating: "bb", count: 32)),
                "status": .string(isSuccess ? "0x1" : "0x0"), "gasUsed": .string("0x5208"),
                "effectiveGasPrice": .string("0x3b9aca07"), "contractAddress": .null, "logs": .array(logs),
            ]))
    }

    /// Runs `body` with a node of this chain, and ends it.
    func run<Result>(_ body: (FakeNode, Node) throws -> Result) throws -> Result {
        try withFakeNode({ answer($0) }, body)
    }
}

extension Preparer {
    /// What one request comes to, with nothing known about the node.
    func prepare(
        _ request: TransactionRequest, leastNonce: UInt64, asking node: () throws -> Node
    ) throws -> Preparation {
        var capabilities = NodeCapabilities()
        let batch = try prepare(
            [request], after: AccountUsage(leastNonce: leastNonce), learning: &capabilities, asking: node)
        guard let preparation = batch.preparations.first, batch.preparations.count == 1, batch.failure == nil else {
            throw NotOne()
        }
        return preparation
    }

    struct NotOne: Error {}
}

/// Requests that are all there.
final class Requests: RequestStream {
    private var rest: [TransactionRequest]

    init(_ requests: [TransactionRequest]) { rest = requests }

    func read() throws -> [TransactionRequest]? {
        defer { rest = [] }
        return rest.isEmpty ? nil : rest
    }

    func wait(_ time: Duration?, forInput: Bool) -> Bool {
        if !forInput, let time {
            _ = usleep(UInt32(clamping: time.components.attoseconds / 1_000_000_000_000))
        }
        return forInput
    }

    var stopCount: Int { 0 }
}

/// Remembers the hashes of what may be on its way.
final class Sent: SendObserver {
    private(set) var hashes: [Bytes32] = []
    private(set) var warnings: [String] = []

    func sending(label: String?, hash: Bytes32) { hashes.append(hash) }
    func warning(_ text: String) { warnings.append(text) }
    func progress(_ progress: Progress) {}
}

extension TransactionRequest {
    /// A call of the contract that leaves everything open.
    static var open: TransactionRequest { TransactionRequest(label: "test", to: contract, data: [1, 2, 3, 4]) }

    /// A call of the contract that leaves nothing open.
    static var complete: TransactionRequest {
        var request = open
        request.chainId = 8453
        request.nonce = 7
        request.gas = 100_000
        request.maxFeePerGas = wei(2_000_000_000)
        request.maxPriorityFeePerGas = wei(1)
        return request
    }

    /// The request with changes.
    func with(_ change: (inout TransactionRequest) -> Void) -> TransactionRequest {
        var request = self
        change(&request)
        return request
    }
}
