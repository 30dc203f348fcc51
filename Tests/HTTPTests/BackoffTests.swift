import HTTP
import Testing

/// Always the same number, so that a pause is known.
private struct Constant: RandomNumberGenerator, Sendable {
    var number: UInt64
    mutating func next() -> UInt64 { number }
}

/// The pauses that follow each other at once.
private func pauses(_ count: Int, number: UInt64, cap: Duration = .seconds(8), budget: Duration = .seconds(1000))
    -> [Duration?]
{
    var backoff = Backoff(
        first: .seconds(1), factor: 2, cap: cap, budget: budget, generator: Constant(number: number))
    return (0..<count).map { _ in backoff.pause(elapsed: .zero) }
}

@Suite struct BackoffTests {
    @Test func `pauses double from half of the first one up to half of the cap when chance is lowest`() {
        let expected: [Duration?] = [.milliseconds(500), .seconds(1), .seconds(2), .seconds(4), .seconds(4)]
        #expect(pauses(5, number: 0) == expected)
    }

    @Test func `pauses never exceed the cap`() {
        for pause in pauses(70, number: .max) {
            #expect(pause.map { $0 <= .seconds(8) } == true)
        }
    }

    @Test func `a first pause above the cap is cut to it`() {
        #expect(pauses(1, number: 0, cap: .milliseconds(200)) == [.milliseconds(100)])
    }

    @Test func `the last pause is cut to the rest of the budget and then there is none`() {
        var backoff = Backoff(
            first: .seconds(4), factor: 2, cap: .seconds(60), budget: .seconds(10), generator: Constant(number: 0))
        #expect(backoff.pause(elapsed: .seconds(1)) == .seconds(2))
        #expect(backoff.pause(elapsed: .seconds(8)) == .seconds(2))
        #expect(backoff.pause(elapsed: .seconds(10)) == nil)
        #expect(backoff.pause(elapsed: .seconds(11)) == nil)
    }

    @Test func `a server's longer pause is kept if it fits into the budget`() {
        var backoff = Backoff(
            first: .seconds(1), factor: 2, cap: .seconds(2), budget: .seconds(10), generator: Constant(number: 0))
        #expect(backoff.pause(elapsed: .seconds(1), atLeast: .seconds(5)) == .seconds(5))
        #expect(backoff.pause(elapsed: .seconds(6), atLeast: .seconds(5)) == nil)
    }

    @Test func `the system's randomness draws from the upper half`() {
        for _ in 0..<100 {
            var backoff = Backoff(first: .seconds(2), budget: .seconds(60))
            let pause = backoff.pause(elapsed: .zero)
            #expect(pause.map { $0 >= .seconds(1) && $0 <= .seconds(2) } == true)
        }
    }
}
