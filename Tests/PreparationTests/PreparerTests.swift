import ABI
import EthereumNode
import Failures
import FakeChain
import FakeNode
import JSON
import LoopbackServer
import Preparation
import Primitives
import TEEBridge
import TestSupport
import Testing
import Transactions

@Suite(.timeLimit(.minutes(1)))
struct PreparerTests {
    /// What a request comes to on a chain.
    private func prepare(
        _ request: TransactionRequest, on chain: FakeChain = FakeChain(), chainId: UInt64? = nil,
        leastNonce: UInt64 = 0, purpose: Purpose = .sending, fees: FeeRules = FeeRules()
    ) throws -> PreparationResult {
        try chain.run { _, node in
            try Preparer(sender: Address(account), chainId: chainId, fees: fees, purpose: purpose)
                .prepare(request, leastNonce: leastNonce) { node }
        }
    }

    /// The transaction that a request comes to on a chain.
    private func ready(
        _ request: TransactionRequest, on chain: FakeChain = FakeChain(), leastNonce: UInt64 = 0
    ) throws -> FeeMarketTransaction {
        guard case .ready(let prepared) = try prepare(request, on: chain, leastNonce: leastNonce) else {
            throw NotReady()
        }
        return prepared.transaction
    }

    private struct NotReady: Error {}

    @Test func `what is open comes from the node, in one request`() throws {
        try FakeChain().run { fake, node throws in
            let preparation = try Preparer(sender: Address(account), chainId: 8453, purpose: .sending)
                .prepare(.open, leastNonce: 0) { node }
            #expect(
                preparation
                    == .ready(
                        PreparedTransaction(
                            FeeMarketTransaction(
                                chainId: 8453, nonce: 7, maxPriorityFeePerGas: wei(100_000_000),
                                maxFeePerGas: wei(2_100_000_000), gasLimit: 120_000, to: contract, value: 0,
                                data: [1, 2, 3, 4]), gasUsed: 100_000)))
            #expect(fake.server.requests.count == 1)
            let estimate = try #require(fake.calls.first { $0.method == "eth_estimateGas" })
            #expect(estimate.request?["from"] == .string(account))
            #expect(estimate.parameters.last == "pending")
        }
    }

    @Test func `a precondition that holds makes a request needless, whatever else would be wrong`() throws {
        let unless = TransactionRequest.Precondition(to: contract, data: [9], equals: [0, 1])
        let request = TransactionRequest.open.with { $0.unless = unless }
        var chain = FakeChain(
            balance: .text("0x0"), code: .text("0x"), gas: .error(3, "execution reverted"), call: .text("0x0001"))
        #expect(try prepare(request, on: chain) == .skipped)
        // Not all of the bytes, other bytes and a revert are no answer that holds.
        for reply in [.text("0x01"), .text("0x"), .text("0x000100"), .error(3, "reverted", data: "0x0001")]
            as [FakeNode.Reply]
        {
            chain = FakeChain(call: reply)
            #expect(try prepare(request, on: chain) != .skipped)
        }
    }

    @Test func `a precondition that cannot be asked stops the request`() throws {
        let unless = TransactionRequest.Precondition(to: contract, data: [9], equals: [])
        let request = TransactionRequest.open.with { $0.unless = unless }
        #expect(throws: NodeError.methodFailed("eth_call", .response(code: -32000, message: "no", data: nil))) {
            try prepare(request, on: FakeChain(call: .error(-32000, "no")))
        }
    }

    @Test func `what would revert is not prepared`() throws {
        let chain = FakeChain(gas: .error(3, "execution reverted", data: "0x30cd7471"))
        #expect(try prepare(.open, on: chain) == .reverts([0x30, 0xCD, 0x74, 0x71]))
    }

    @Test func `calldata for an account without code is refused, before its gas is asked about`() throws {
        let chain = FakeChain(code: .text("0x"), gas: .error(3, "execution reverted"))
        let error = #expect(throws: PreparationError.noContract(contract)) { try prepare(.open, on: chain) }
        #expect(error?.kind == .badInput)
        // Ether may go to anybody, and a creation has nobody to go to.
        let transfer = TransactionRequest(label: nil, to: contract, data: [], value: wei(1))
        #expect(try ready(transfer, on: FakeChain(code: .text("0x"))).value == wei(1))
        let creation = TransactionRequest(label: nil, to: nil, data: [0x60])
        #expect(try ready(creation, on: FakeChain(code: .text("0x"))).to == nil)
    }

    @Test(
        "a node of another chain than the operator or the request names is refused, before all else",
        arguments: [(1, nil), (nil, 1), (1, 8453), (8453, 1)] as [(UInt64?, UInt64?)])
    func wrongChain(option: UInt64?, requested: UInt64?) throws {
        let request = TransactionRequest.open.with {
            $0.chainId = requested
            $0.unless = TransactionRequest.Precondition(to: contract, data: [], equals: [])
        }
        let error = #expect(throws: PreparationError.wrongChain(expected: 1, actual: 8453)) {
            try prepare(request, chainId: option)
        }
        #expect(error?.kind == .badInput)
    }

    @Test(
        "a cost that 256 bits do not hold is more than any balance",
        arguments: [
            .open.with { $0.value = .max }, .complete.with { $0.maxFeePerGas = .max },
            .complete.with { ($0.value, $0.maxFeePerGas) = (~0xFFFF, 1) },
        ] as [TransactionRequest])
    func unpayable(_ request: TransactionRequest) throws {
        let error = PreparationError.insufficientFunds(sender: try Address(account), balance: .max, needed: .max)
        #expect(throws: error) { try prepare(request, on: FakeChain(balance: .text(UInt256.max.quantity))) }
        #expect(error.description.hasSuffix("the transactions may cost more than there is"))
    }

    @Test func `who cannot pay is told both sums in ether`() throws {
        // 120,000 gas at 2.1 gwei, and 1 wei: 0.000252 ether and 1 wei.
        let request = TransactionRequest.open.with { $0.value = wei(1) }
        let cost = wei(252_000_000_000_001)
        let chain = FakeChain(balance: .text("0xe531527bc000"))
        let error = try #require(
            #expect(throws: PreparationError.self) { try prepare(request, on: chain) })
        #expect(
            error == .insufficientFunds(sender: try Address(account), balance: wei(252_000_000_000_000), needed: cost))
        #expect(
            error.description
                == "\(account) has 0.000252 ether, but the transactions may cost 0.000252000000000001 ether, "
                + "0.000000000000000001 ether more")
        #expect(error.kind == .negativeResult)
        // A wei more is enough, and who only signs is not asked.
        #expect(try prepare(request, on: FakeChain(balance: .text("0xe531527bc001"))) != .skipped)
        guard case .ready = try prepare(request, on: chain, purpose: .signing) else { return unexpected(nil) }
    }

    @Test(
        "sums are shown in ether without zeros that say nothing",
        arguments: [
            ("0x0", "0 ether"), ("0x1", "0.000000000000000001 ether"), ("0xde0b6b3a7640000", "1 ether"),
            ("0x14d1120d7b160000", "1.5 ether"), ("0x8ac7230489e80000", "10 ether"),
            ("0x1bc16d674ec80001", "2.000000000000000001 ether"),
        ])
    func ether(amount: String, shown: String) throws { #expect(try UInt256(quantity: amount).inEther == shown) }

    @Test(
        "the nonce is the request's, or the greater of what is pending and what this run has used",
        arguments: [(nil, 0, 7), (nil, 7, 7), (nil, 9, 9), (3, 9, 3)] as [(UInt64?, UInt64, UInt64)])
    func nonce(requested: UInt64?, least: UInt64, expected: UInt64) throws {
        let request = TransactionRequest.open.with { $0.nonce = requested }
        #expect(try ready(request, leastNonce: least).nonce == expected)
    }

    @Test(
        "fees that are given stand, and the rest fits to them",
        arguments: [
            // Asked: twice the base fee of 1 gwei, and a tip of 0.1 gwei.
            (nil, nil, 2_100_000_000, 100_000_000), (nil, 7, 2_000_000_007, 7), (9, nil, 9, 9),
            (3_000_000_000, nil, 3_000_000_000, 100_000_000), (5, 4, 5, 4),
        ] as [(UInt64?, UInt64?, UInt64, UInt64)])
    func fees(most: UInt64?, tip: UInt64?, expectedMost: UInt64, expectedTip: UInt64) throws {
        let request = TransactionRequest.open.with {
            $0.maxFeePerGas = most.map(wei)
            $0.maxPriorityFeePerGas = tip.map(wei)
        }
        let transaction = try ready(request)
        #expect(transaction.maxFeePerGas == wei(expectedMost))
        #expect(transaction.maxPriorityFeePerGas == wei(expectedTip))
    }

    @Test(arguments: ["0x100000001", "0xe000000000000000", "0xffffffffffffffff"])
    func `an estimate beyond what any chain allows is refused`(estimate: String) {
        #expect(throws: NodeError.malformed(method: "eth_estimateGas", expected: "a plausible amount of gas")) {
            try prepare(.open, on: FakeChain(gas: .text(estimate)))
        }
    }

    @Test func `a tip is no less than the floor, unless the request says so`() throws {
        let chain = FakeChain.with(baseFee: "0x1", tip: "0x1")
        #expect(try ready(.open, on: chain).maxPriorityFeePerGas == FeeRules.usualLeastTip)
        #expect(try ready(.open.with { $0.maxPriorityFeePerGas = wei(3) }, on: chain).maxPriorityFeePerGas == wei(3))
    }

    @Test func `a node's word does not make a tip of more than 50 gwei`() throws {
        let transaction = try ready(.open, on: FakeChain.with(baseFee: "0x1", tip: "0x2386f26fc10000"))
        #expect(transaction.maxPriorityFeePerGas == wei(50_000_000_000))
        #expect(transaction.maxFeePerGas == wei(50_000_000_002))
    }

    @Test func `no unit of gas may cost more than the operator allows`() throws {
        func prepared(baseFee: String) throws -> PreparationResult {
            try prepare(
                .open, on: FakeChain.with(baseFee: baseFee, tip: "0x5"), purpose: .signing,
                fees: FeeRules(maxFee: wei(100), leastTip: wei(2)))
        }
        guard case .ready(let most) = try prepared(baseFee: "0x64") else { throw NotReady() }
        #expect(most.transaction.maxFeePerGas == wei(100))
        #expect(most.transaction.maxPriorityFeePerGas == wei(5))
        #expect(throws: PreparationError.tooExpensive(baseFee: wei(101), limit: wei(100))) {
            try prepared(baseFee: "0x65")
        }
    }

    @Test func `fees that are given need no history`() throws {
        let request = TransactionRequest.open.with {
            $0.maxFeePerGas = wei(5)
            $0.maxPriorityFeePerGas = wei(4)
        }
        #expect(try ready(request, on: FakeChain(fees: .error(-32601, "no such method"))).maxFeePerGas == wei(5))
        #expect(throws: NodeError.self) { try prepare(.open, on: FakeChain(fees: .error(-32601, "no such method"))) }
    }

    @Test(
        "an estimate gets a fifth more",
        arguments: [("0x5208", 25_200), ("0x1", 1), ("0x5", 6), ("0x100000000", 5_153_960_755)] as [(String, UInt64)])
    func gasMargin(estimate: String, expected: UInt64) throws {
        guard
            case .ready(let prepared) = try prepare(
                .open, on: FakeChain(gas: .text(estimate)), purpose: .signing)
        else { return unexpected(nil) }
        #expect(prepared.transaction.gasLimit == expected)
    }

    @Test func `gas that is given is used as it is and not asked for`() throws {
        try FakeChain().run { fake, node throws in
            let request = TransactionRequest.open.with { $0.gas = 50_000 }
            guard
                case .ready(let prepared) = try Preparer(sender: Address(account), chainId: nil, purpose: .sending)
                    .prepare(request, leastNonce: 0, asking: { node })
            else { return unexpected(nil) }
            #expect(prepared.transaction.gasLimit == 50_000)
            #expect(!fake.methods.contains("eth_estimateGas"))
        }
    }

    @Test func `what leaves nothing open needs no node`() throws {
        struct Asked: Error {}
        func offline(
            chainId: UInt64? = nil, purpose: Purpose = .signing, _ change: (inout TransactionRequest) -> Void = { _ in }
        ) throws -> PreparationResult {
            try Preparer(sender: Address(account), chainId: chainId, purpose: purpose)
                .prepare(.complete.with(change), leastNonce: 9) { throw Asked() }
        }
        let expected = FeeMarketTransaction(
            chainId: 8453, nonce: 7, maxPriorityFeePerGas: wei(1), maxFeePerGas: wei(2_000_000_000),
            gasLimit: 100_000, to: contract, value: 0, data: [1, 2, 3, 4])
        #expect(try offline() == .ready(PreparedTransaction(expected)))
        #expect(try offline(chainId: 8453) { $0.chainId = nil } == .ready(PreparedTransaction(expected)))
        #expect(throws: PreparationError.wrongChain(expected: 1, actual: 8453)) { try offline(chainId: 1) }
        #expect(throws: Asked.self) { try offline(purpose: .dryRun) }
        #expect(throws: Asked.self) { try offline { $0.chainId = nil } }
        #expect(throws: Asked.self) { try offline { $0.nonce = nil } }
        #expect(throws: Asked.self) { try offline { $0.gas = nil } }
        #expect(throws: Asked.self) { try offline { $0.maxFeePerGas = nil } }
        #expect(throws: Asked.self) { try offline { $0.maxPriorityFeePerGas = nil } }
        #expect(throws: Asked.self) {
            try offline { $0.unless = TransactionRequest.Precondition(to: contract, data: [], equals: []) }
        }
    }

    @Test(
        "an answer that is missing or malformed stops the request",
        arguments: [
            FakeChain(chainId: .text("x")), FakeChain(nonce: .error(-1, "no")), FakeChain(balance: .nothing),
            FakeChain(fees: .result(.null)), FakeChain(code: .result(.null)), FakeChain(gas: .error(-32000, "no")),
        ])
    func failures(chain: FakeChain) throws {
        #expect(throws: NodeError.self) { try prepare(.open, on: chain) }
    }
}

extension Preparer {
    /// What one request comes to, with nothing known about the node.
    func prepare(
        _ request: TransactionRequest, leastNonce: UInt64, asking node: () throws -> EthereumNode
    ) throws -> PreparationResult {
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
