import Envelope
import Failures
import Primitives
import Testing

@Suite struct ExpectationTests {
    static let bridge = Address(checked: [UInt8](repeating: 7, count: 20))
    static let header = EnvelopeHeader(
        chainId: 8453, bridge: bridge, from: Bytes32(checked: [UInt8](repeating: 1, count: 32)),
        to: Bytes32(checked: [UInt8](repeating: 2, count: 32)),
        messageId: Bytes32(checked: [UInt8](repeating: 3, count: 32)))
    static let expectation = EnvelopeExpectation(
        to: header.to, from: header.from, bridge: header.bridge, chainId: header.chainId)

    @Test func whatIsExpectedIsTaken() throws { try Self.expectation.check(Self.header) }

    @Test(
        "made for another recipient, bridge or chain, or by another sender",
        arguments: [
            (header.with(to: .zero), EnvelopeError.otherRecipient(named: .zero, expected: header.to)),
            (header.with(bridge: .zero), .otherBridge(named: .zero, expected: bridge)),
            (header.with(chainId: 1), .otherChain(named: 1, expected: 8453)),
            (header.with(from: .zero), .otherSender(signed: .zero, said: header.from)),
        ])
    func others(_ header: EnvelopeHeader, _ error: EnvelopeError) {
        #expect(throws: error) { try Self.expectation.check(header) }
    }

    @Test func whatIsNotKnownIsNotChecked() throws {
        let expectation = EnvelopeExpectation(to: Self.header.to, from: nil, bridge: nil, chainId: nil)
        try expectation.check(Self.header.with(chainId: 1, bridge: .zero, from: .zero))
        #expect(throws: EnvelopeError.otherRecipient(named: .zero, expected: Self.header.to)) {
            try expectation.check(Self.header.with(to: .zero))
        }
    }

    @Test func aMessageIsDeliveredOnce() throws {
        var seen = ReplayCache()
        try seen.check(Self.header)
        seen.insert(Self.header)
        #expect(throws: EnvelopeError.replayed(messageId: Self.header.messageId)) { try seen.check(Self.header) }
        // Nobody else can use up its id, and another id is another message.
        try seen.check(Self.header.with(from: .zero))
        try seen.check(Self.header.with(messageId: .zero))
    }

    @Test func whatWasSeenCanBeKept() {
        var seen = ReplayCache()
        seen.insert(Self.header)
        #expect(ReplayCache(seen.entries) == seen)
        #expect(throws: EnvelopeError.self) { try ReplayCache(seen.entries).check(Self.header) }
    }

    @Test func messageIdsAreFresh() throws {
        let ids = try (0..<100).map { _ in
            try EnvelopeHeader(chainId: 1, bridge: Self.bridge, from: .zero, to: .zero).messageId
        }
        #expect(Set(ids).count == 100)
    }

    @Test func everyRefusalHasItsOwnSentence() {
        let zero = Bytes32.zero
        let refusals: [EnvelopeError] = [
            .cutOff(actual: 1, least: 221), .unknownVersion(2), .chainIdTooLarge, .badSignature(from: zero),
            .malleableSignature, .otherRecipient(named: zero, expected: zero),
            .otherBridge(named: .zero, expected: .zero), .otherChain(named: 1, expected: 2),
            .otherSender(signed: zero, said: zero), .replayed(messageId: zero),
        ]
        #expect(Set(refusals.map(\.description)).count == refusals.count)
        for refusal in refusals { #expect(refusal.kind == .negativeResult) }
    }
}
