import EthereumNode
import FakeChain
import FakeNode
import JSON
import Preparation
import Primitives
import TestSupport
import Testing
import Transactions

/// A result of eth_simulateV1 with these calls.
private func simulation(_ calls: [(isSuccess: Bool, data: String, gas: String)]) -> FakeNode.Reply {
    .result(
        .array([
            .members([
                "calls": .array(
                    calls.map { call in
                        .members([
                            "status": .string(call.isSuccess ? "0x1" : "0x0"),
                            "returnData": .string(call.isSuccess ? call.data : "0x"), "gasUsed": .string(call.gas),
                            "error": call.isSuccess
                                ? nil : .members(["code": .number(3), "message": "x", "data": .string(call.data)]),
                        ])
                    })
            ])
        ]))
}

private let done = (isSuccess: true, data: "0x", gas: "0x5208")
private let fails = (isSuccess: false, data: "0x30cd7471", gas: "0x5208")

/// What requests come to, as one word each.
private func words(_ batch: PreparedBatch) -> [String] {
    batch.preparations.map { preparation in
        switch preparation {
        case .skipped: "skipped"
        case .reverts: "reverts"
        case .deferred: "deferred"
        case .ready(let prepared): "ready \(prepared.transaction.nonce)"
        }
    }
}

@Suite(.timeLimit(.minutes(1)))
struct BatchTests {
    private func prepare(
        _ requests: [TransactionRequest], on chain: FakeChain, after usage: AccountUsage = AccountUsage(),
        purpose: Purpose = .sending
    ) throws -> PreparedBatch {
        try chain.run { _, node in
            var capabilities = NodeCapabilities()
            return try Preparer(sender: Address(account), chainId: nil, purpose: purpose)
                .prepare(requests, after: usage, learning: &capabilities) { node }
        }
    }

    private static let unless = TransactionRequest.Precondition(to: contract, data: [9], equals: [1])
    private static let conditional = TransactionRequest.open.with { $0.unless = unless }

    @Test func `requests have nonces in a row, and gas from what they use on top of each other`() throws {
        let chain = FakeChain(simulation: simulation([done, (true, "0x", "0x186a0"), done]))
        let batch = try prepare([.open, .open, .open.with { $0.gas = 5 }], on: chain)
        #expect(words(batch) == ["ready 7", "ready 8", "ready 9"])
        let limits = batch.preparations.compactMap { preparation -> UInt64? in
            if case .ready(let prepared) = preparation { prepared.transaction.gasLimit } else { nil }
        }
        #expect(limits == [31_500, 150_000, 5])
    }

    @Test func `what is needless uses no nonce`() throws {
        let chain = FakeChain(
            call: .text("0x01"), simulation: simulation([done, (true, "0x01", "0x1"), fails, done]))
        // The other two are asked about again, without the needless one; the script has no answer to that.
        let again = FakeChain(call: .text("0x02"), simulation: simulation([done, (true, "0x01", "0x1"), fails]))
        #expect(words(try prepare([.open, Self.conditional], on: again)) == ["ready 7", "skipped"])
        #expect(words(try prepare([Self.conditional, Self.conditional], on: chain)) == ["skipped", "skipped"])
    }

    @Test(
        "a revert after others counts for those who only look, and waits for nothing that is simulated",
        arguments: [Purpose.sending, .signing, .dryRun])
    func simulatedRevert(purpose: Purpose) throws {
        let chain = FakeChain(simulation: simulation([done, fails, done]))
        #expect(words(try prepare([.open, .open, .open], on: chain, purpose: purpose)) == ["ready 7", "reverts"])
    }

    @Test func `with others on their way a revert is no verdict yet`() throws {
        let waiting = AccountUsage(leastNonce: 9, cost: 0, isWaiting: true)
        let simulated = FakeChain(simulation: simulation([fails, done]))
        #expect(words(try prepare([.open, .open], on: simulated, after: waiting)) == ["deferred"])
        let alone = FakeChain(gas: .error(3, "execution reverted"))
        #expect(words(try prepare([.open], on: alone, after: waiting)) == ["deferred"])
        #expect(words(try prepare([.open], on: FakeChain(), after: waiting)) == ["ready 9"])
        let missing = FakeChain(code: .text("0x"))
        #expect(words(try prepare([.open], on: missing, after: waiting)) == ["deferred"])
    }

    @Test func `where nothing can be tried together, what depends on others waits for them`() throws {
        // eth_call answers no results of calls.
        let chain = FakeChain(gas: .text("0x5208"))
        #expect(words(try prepare([.open, .open], on: chain)) == ["ready 7", "ready 8"])
        let reverting = FakeChain(gas: .error(3, "execution reverted"))
        let first = TransactionRequest.open.with { $0.gas = 50_000 }
        #expect(words(try prepare([first, .open], on: reverting)) == ["ready 7", "deferred"])
        #expect(throws: PreparationError.dependent(label: "test")) {
            let batch = try prepare([first, .open], on: reverting, purpose: .signing)
            if let failure = batch.failure { throw failure }
        }
    }

    @Test(
        "gas that no chain has is no answer, however it was asked for",
        arguments: ["ffffffffffffffff", "ffffffffffffadf7", "0100000001"])
    func implausibleGas(gas: String) throws {
        let results = ["1", "5208", "1", gas].map { String(repeating: "0", count: 64 - $0.count) + $0 }.joined()
        let bundled = FakeChain(gas: .text("0x5208"), call: .text("0x\(results)"))
        let simulated = FakeChain(
            simulation: simulation([done, (true, "0x", "0x\(gas.drop { $0 == "0" })")]))
        for chain in [bundled, simulated] {
            let error = #expect(throws: NodeError.self) {
                let batch = try prepare([.open, .open], on: chain, purpose: .signing)
                if let failure = batch.failure { throw failure }
            }
            #expect(error?.description.contains("plausible") == true)
        }
    }

    @Test func `funds are reckoned up, and what they do not cover waits for what was sent`() throws {
        // 31,500 gas at 2.1 gwei for each: 66,150 gwei.
        let chain = FakeChain(balance: .text("0x3c29bf407c00"), simulation: simulation([done, done]))
        #expect(words(try prepare([.open, .open], on: chain)) == ["ready 7", "deferred"])
        let error = #expect(throws: PreparationError.self) {
            let batch = try prepare([.open, .open], on: chain, purpose: .dryRun)
            #expect(words(batch) == ["ready 7", "ready 8"])
            if let shortage = batch.shortage { throw shortage }
        }
        #expect(
            error?.description
                == "\(account) has 0.00006615 ether, but the transactions may cost 0.0001323 ether, 0.00006615 ether more"
        )
        let spent = AccountUsage(leastNonce: 0, cost: 1, isWaiting: true)
        #expect(words(try prepare([.open], on: chain, after: spent)) == ["deferred"])
    }

    @Test func `what a simulated block has no gas for is tried once the others have arrived`() throws {
        func chain(_ calls: [(String, String?)]) -> FakeChain {
            let results = calls.map { gas, words in
                JSONValue.members([
                    "status": words == nil ? "0x1" : "0x0", "returnData": "0x", "gasUsed": .string(gas),
                    "error": words.map { .members(["code": .number("-32015"), "message": .string($0)]) },
                ])
            }
            return FakeChain(simulation: .result(.array([.members(["calls": .array(results)])])))
        }
        let full = chain([("0xf00000", nil), ("0xf00000", "out of gas")])
        #expect(words(try prepare([.open, .open], on: full)) == ["ready 7", "deferred"])
        let failure = try prepare([.open, .open], on: full, purpose: .dryRun).failure as? PreparationError
        #expect(failure == .simulationFull(label: "test"))
        let broken = chain([("0x1", nil), ("0x1", "invalid opcode")])
        #expect(words(try prepare([.open, .open], on: broken)).last == "reverts")
        #expect(throws: PreparationError.tooMuchGas(label: "test", gas: nil, .block(nil))) {
            try prepare([.open, .open], on: chain([("0xf00000", "out of gas"), ("0x5208", nil)]))
        }
    }

    @Test func `a rollup's fee is part of what must be paid`() throws {
        let fee = "0x" + String(repeating: "0", count: 60) + "2710"
        let chain = FakeChain(balance: .text("0xe531527be70f"), l1Fee: .text(fee))
        let error = #expect(throws: PreparationError.self) { try prepare([.open], on: chain) }
        #expect(error?.description.hasSuffix("0.000000000000000001 ether more") == true)
        var rich = chain
        rich.balance = .text("0xe531527be710")
        guard case .ready(let prepared)? = try prepare([.open], on: rich).preparations.first else {
            return unexpected(nil)
        }
        #expect(prepared.l1Fee == wei(10_000))
    }
}
