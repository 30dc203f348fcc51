import ABI
import EthereumNode
import Failures
import FakeChain
import FakeNode
import JSON
import Preparation
import Primitives
import Secp256k1
import TEEBridge
import TestSupport
import Testing
import Transactions

@Suite(.timeLimit(.minutes(1)))
struct DryRunTests {
    /// What a request comes to on a chain.
    private func run(
        _ request: TransactionRequest = .open, on chain: FakeChain = FakeChain(), signs: Bool
    ) throws -> SentRecord {
        try chain.run { fake, node in
            defer { #expect(!fake.methods.contains("eth_sendRawTransaction")) }
            let dryRun =
                signs
                ? DryRun(signingWith: try testKey(), chainId: nil) { node }
                : DryRun(from: try Address(account), chainId: nil) { node }
            return try dryRun.record(of: request)
        }
    }

    @Test func `signing prints what would be sent, and needs no funds`() throws {
        let record = try run(on: FakeChain(balance: .text("0x0")), signs: true)
        #expect(record.status == .signed)
        let signed = try SignedTransaction(raw: #require(record.raw))
        #expect(record.transactionHash == signed.hash)
        #expect(signed.sender == (try Address(account)))
        #expect(signed.transaction.to == contract)
    }

    @Test func `what leaves nothing open is signed without a node`() throws {
        struct Asked: Error {}
        let dryRun = DryRun(signingWith: try testKey(), chainId: nil) { throw Asked() }
        #expect(try dryRun.record(of: .complete).transactionHash == completeHash())
        #expect(throws: Asked.self) { try dryRun.record(of: .open) }
    }

    @Test func `each transaction of a run has the next nonce, whatever the node says is pending`() throws {
        try FakeChain().run { _, node throws in
            let dryRun = DryRun(signingWith: try testKey(), chainId: nil) { node }
            let nonces = try (0..<3).map { _ in
                try SignedTransaction(raw: #require(try dryRun.record(of: .open).raw)).transaction.nonce
            }
            #expect(nonces == [7, 8, 9])
        }
    }

    @Test func `simulating tells gas and the most that it may cost, and wants the funds`() throws {
        let text = try run(signs: false).json(decoding: TEEBridge.answers).compact
        #expect(text == #"{"label":"test","status":"simulated","gasUsed":"0x186a0","maxCost":"0xe531527bc000"}"#)
    }

    @Test func `what the sender lacks is told with each record, and as a negative answer after them`() throws {
        let sender = try Address(account)
        // 120,000 gas at 2.1 gwei: 252,000 gwei for each, of which there are 300,000.
        try FakeChain(balance: .text("0x110d9316ec000")).run { _, node throws in
            var records: [SentRecord] = []
            let dryRun = DryRun(from: sender, chainId: nil) { node }
            try dryRun.run([.open]) { records.append($0) }
            #expect(records.map(\.shortfall) == [nil])
            let error = PreparationError.insufficientFunds(
                sender: sender, balance: wei(300_000_000_000_000), needed: wei(504_000_000_000_000))
            #expect(throws: error) { try dryRun.run([.open]) { records.append($0) } }
            #expect(error.kind == .negativeResult)
            #expect(records.map(\.shortfall) == [nil, wei(204_000_000_000_000)])
            #expect(records.last?.json(decoding: TEEBridge.answers).object?["shortfall"] == "0xb9897388c000")
        }
    }

    @Test func `what the sender has not is told as such, though the node refuses the estimate`() throws {
        let chain = FakeChain(balance: .text("0x1"), gas: .error(-32000, "insufficient funds for transfer"))
        let error = PreparationError.insufficientFunds(
            sender: try Address(account), balance: wei(1), needed: wei(2))
        #expect(throws: error) { try run(.open.with { $0.value = wei(2) }, on: chain, signs: false) }
    }

    @Test(arguments: [true, false])
    func `neither signs nor simulates what is needless or would revert`(signs: Bool) throws {
        let chain = FakeChain(gas: .error(3, "execution reverted", data: "0x3a81d6fc"))
        let reverting = try run(on: chain, signs: signs)
        #expect(reverting.status == .reverted)
        #expect(reverting.revert.map { TEEBridge.answers.decodeRevert($0).description } == "AlreadyRegistered()")
        let unless = TransactionRequest.Precondition(to: contract, data: [], equals: [])
        let needless = try run(.open.with { $0.unless = unless }, signs: signs)
        #expect(needless.status == .skipped)
        #expect(needless.raw == nil)
    }
}

extension DryRun {
    /// The record of one request.
    fileprivate func record(of request: TransactionRequest) throws -> SentRecord {
        var records: [SentRecord] = []
        try run([request]) { records.append($0) }
        return try #require(records.count == 1 ? records.first : nil)
    }
}
