import EthereumNode
import FakeNode
import JSON
import Primitives
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct FeeHistoryTests {
    /// The fees after blocks that were so full and paid such tips.
    private func fees(base: String = #"["0x1","0x64"]"#, ratios: String?, rewards: String?) throws -> FeeHistory {
        let members = [
            #""oldestBlock":"0x1""#, #""baseFeePerGas":\#(base)"#, ratios.map { #""gasUsedRatio":\#($0)"# },
            rewards.map { #""reward":\#($0)"# },
        ]
        let text = "{\(members.compactMap { $0 }.joined(separator: ","))}"
        return try ask(.feeHistory, replying: .result(json(text)))
    }

    @Test func `the last base fee is that of the block to come`() throws {
        let fees = try fees(base: #"["0x1","0x2","0x3b9aca00"]"#, ratios: "[0.5,0.5]", rewards: #"[["0x5"],["0x5"]]"#)
        #expect(fees.nextBaseFee == wei(1_000_000_000))
        #expect(fees.maxPriorityFeePerGas == wei(5))
        #expect(fees.maxFeePerGas() == wei(2_000_000_005))
        #expect(fees.maxFeePerGas(tip: wei(7)) == wei(2_000_000_007))
    }

    @Test(
        "the tip is the median of those that blocks with gas in them took; of two, the lower",
        arguments: [
            ("[0.5]", #"[["0x9"]]"#, 9), ("[0.5,0.5]", #"[["0x9"],["0x3"]]"#, 3),
            ("[0.5,0.5,0.5]", #"[["0x9"],["0x3"],["0x5"]]"#, 5),
            ("[1,1,1,1]", #"[["0x1"],["0x2"],["0x3"],["0x4"]]"#, 2),
            // Nearly empty blocks take anything: they do not count.
            ("[0.09,0.5,0.01]", #"[["0x63"],["0x5"],["0x63"]]"#, 5), ("[0.1,0.0999]", #"[["0x7"],["0x1"]]"#, 7),
            // Nothing but such blocks: better than nothing.
            ("[0.01,0.02,0.03]", #"[["0x9"],["0x3"],["0x5"]]"#, 5),
            // A tip of zero says that nobody paid.
            ("[0.5,0.5,0.5]", #"[["0x0"],["0x0"],["0x5"]]"#, 5), ("[0.5,0.01]", #"[["0x0"],["0x5"]]"#, 5),
            ("[0.5,0.5]", #"[["0x0"],["0x0"]]"#, 1), ("[]", "[]", 1), ("[0.5]", "[[]]", 1),
            // Exponents and whole numbers are numbers.
            ("[1e-2,5E-1]", #"[["0x9"],["0x3"]]"#, 3), ("[0,1]", #"[["0x9"],["0x3"]]"#, 3),
            // Ratios that are not one for each block are not used.
            ("[0.01]", #"[["0x9"],["0x3"]]"#, 3),
        ])
    func tips(ratios: String, rewards: String, expected: UInt64) throws {
        #expect(try fees(ratios: ratios, rewards: rewards).maxPriorityFeePerGas == UInt256(expected))
    }

    @Test(
        "rewards and ratios may be absent or null",
        arguments: [(nil, nil), ("null", "null"), ("[0.5]", nil), (nil, #"[["0x1"]]"#)] as [(String?, String?)])
    func absent(ratios: String?, rewards: String?) throws {
        #expect(try fees(ratios: ratios, rewards: rewards).maxPriorityFeePerGas == wei(1))
    }

    @Test(
        "a base fee that is none, or a tip, is malformed",
        arguments: [
            ("[]", nil), ("null", nil), ("{}", nil), ("[1]", nil), (#"["0x1",null]"#, nil), (#"["0x1"]"#, "[[1]]"),
            (#"["0x1"]"#, #"["0x1"]"#),
        ] as [(String, String?)])
    func malformed(base: String, rewards: String?) throws {
        let error = #expect(throws: NodeError.self) { try fees(base: base, ratios: nil, rewards: rewards) }
        guard case .malformed("eth_feeHistory", _) = error else { return unexpected(error) }
    }

    @Test("fees beyond 256 bits are not offered, but the most that there is", arguments: [8, 15] as [UInt64])
    func beyond(digit: UInt64) throws {
        let base = digit.quantity + String(repeating: "f", count: 63)
        let fees = try fees(base: #"["\#(base)"]"#, ratios: nil, rewards: nil)
        #expect(fees.maxFeePerGas() == .max)
    }
}
