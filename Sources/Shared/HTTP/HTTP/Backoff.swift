/// The pauses between the attempts at something that fails for a while.
///
/// They grow from `first` by `factor` up to `cap`. Each is drawn from its upper half, so that clients which failed
/// together do not come back together. They end when the budget is spent.
package struct Backoff<Generator: RandomNumberGenerator & Sendable>: Sendable {
    private let cap: Duration
    private let factor: Double
    private let budget: Duration
    private var base: Duration
    private var generator: Generator

    /// - Parameters:
    ///   - first: the longest that the first pause may be.
    ///   - factor: how much longer the next may be.
    ///   - cap: the longest that any pause may be, unless a server asks for more.
    ///   - budget: the time for everything, attempts and pauses.
    ///   - generator: where the randomness comes from.
    package init(
        first: Duration, factor: Double, cap: Duration, budget: Duration, generator: Generator
    ) {
        self.base = min(first, cap)
        self.factor = factor
        self.cap = cap
        self.budget = budget
        self.generator = generator
    }

    /// The pause before the next attempt, or nil if none should follow.
    ///
    /// The last pause is cut so that one more attempt begins before the budget ends.
    /// - Parameters:
    ///   - elapsed: the time since the first attempt began.
    ///   - minimum: the pause that the server asked for; if it does not fit into the budget, no attempt follows.
    package mutating func pause(elapsed: Duration, atLeast minimum: Duration = .zero) -> Duration? {
        let rest = budget - elapsed
        guard rest > .zero, minimum <= rest else { return nil }
        // One draw, 53 bits of it: Double.random may draw for ever from a generator that a test has fixed.
        let share = 0.5 + Double(generator.next() >> 11) / Double(UInt64(1) << 54)
        let pause = base * share
        base = min(base * factor, cap)
        return min(max(pause, minimum), rest)
    }
}

extension Backoff<SystemRandomNumberGenerator> {
    /// Pauses with the system's randomness.
    package init(
        first: Duration = .milliseconds(500), factor: Double = 2, cap: Duration = .seconds(10), budget: Duration
    ) {
        self.init(
            first: first, factor: factor, cap: cap, budget: budget, generator: SystemRandomNumberGenerator())
    }
}
