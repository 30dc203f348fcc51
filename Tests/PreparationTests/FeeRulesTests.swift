import EthereumNode
import FakeChain
import FakeNode
import JSON
import Preparation
import Primitives
import Testing
import Transactions

extension FakeChain {
    /// A chain whose history has these fees.
    static func with(baseFee: String, tip: String) -> FakeChain {
        FakeChain(
            fees: .result(
                .members([
                    "baseFeePerGas": .array([.string(baseFee)]), "gasUsedRatio": .array([.number("0.5")]),
                    "reward": .array([.array([.string(tip)])]),
                ])))
    }
}

@Suite(.timeLimit(.minutes(1)))
struct FeeRulesTests {
    @Test(
        "a transaction that takes another's place offers an eighth more, or what is usual now",
        arguments: [
            // The base fee and tip of the newest blocks, the limit, what is offered then.
            ("0x1", "0x1", nil, (113, 1126)), ("0x3e8", "0x1", nil, (113, 2113)), ("0x1", "0x1f4", nil, (500, 1126)),
            ("0x3e8", "0x1", 1126, (113, 1126)), ("0x3e8", "0x1", 1125, nil), ("0x1", "0xffff", 1130, (1130, 1130)),
        ] as [(String, String, UInt64?, (UInt64, UInt64)?)])
    func raised(baseFee: String, tip: String, limit: UInt64?, expected: (UInt64, UInt64)?) throws {
        let transaction = FeeMarketTransaction(
            chainId: 1, nonce: 0, maxPriorityFeePerGas: wei(100), maxFeePerGas: wei(1000), gasLimit: 21_000,
            to: contract,
            value: 0, data: [])
        let history = try FakeChain.with(baseFee: baseFee, tip: tip).run { _, node in try node.ask(.feeHistory) }
        let rules = FeeRules(maxFee: limit.map(wei), leastTip: wei(1))
        let raised = try? rules.raised([transaction], requestLimit: nil, after: history)
        #expect(raised?.tip == expected.map { wei($0.0) })
        #expect(raised?.most == expected.map { wei($0.1) })
    }

    @Test("an offer that 256 bits leave no room above is not replaced", arguments: [nil, .max] as [UInt256?])
    func highest(limit: UInt256?) throws {
        let history = try FakeChain.with(baseFee: "0x1", tip: "0x1").run { _, node in try node.ask(.feeHistory) }
        let offer = FeeMarketTransaction(
            chainId: 1, nonce: 0, maxPriorityFeePerGas: 100, maxFeePerGas: .max, gasLimit: 21_000, to: contract,
            value: 0, data: [])
        #expect(throws: limit == nil ? FeeLimit.firstOffer : .named) {
            try FeeRules(maxFee: limit).raised([offer], requestLimit: nil, after: history)
        }
    }

    @Test(
        "a transaction is not replaced beyond what the operator, the request or the first offer allows",
        arguments: [
            // How many offers there were, the first one's fee, the operator's and the request's limit.
            (19, 1000, nil, nil, nil), (20, 1000, nil, nil, .offers), (1, 1000, 1126, 1126, nil),
            (1, 1000, 1125, nil, .named), (1, 1000, nil, 1125, .named), (1, 1000, 2000, 1125, .named),
            (2, 113, nil, nil, nil), (2, 112, nil, nil, .firstOffer), (2, 100, 1126, nil, nil),
        ] as [(Int, UInt64, UInt64?, UInt64?, FeeLimit?)])
    func feeLimits(
        count: Int, first: UInt64, limit: UInt64?, requestLimit: UInt64?, expected: FeeLimit?
    ) throws {
        func offer(_ fee: UInt64) -> FeeMarketTransaction {
            FeeMarketTransaction(
                chainId: 1, nonce: 0, maxPriorityFeePerGas: wei(100), maxFeePerGas: wei(fee), gasLimit: 21_000,
                to: contract, value: 0, data: [])
        }
        let history = try FakeChain.with(baseFee: "0x1", tip: "0x1").run { _, node in try node.ask(.feeHistory) }
        let offers = [offer(first)] + [FeeMarketTransaction](repeating: offer(1000), count: count - 1)
        let rules = FeeRules(maxFee: limit.map(wei), leastTip: wei(1))
        var found: FeeLimit?
        do throws(FeeLimit) {
            _ = try rules.raised(offers, requestLimit: requestLimit.map(wei), after: history)
        } catch { found = error }
        #expect(found == expected)
    }
}
