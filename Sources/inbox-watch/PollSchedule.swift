import HTTP

/// How long the program waits between two polls of an inbox.
struct PollSchedule {
    private let interval: Duration
    /// The time for trying again, from the first poll on; nil for no end.
    private let budget: Duration?
    private let start = ContinuousClock.now
    private var failures: Backoff<SystemRandomNumberGenerator>
    private var outages: Backoff<SystemRandomNumberGenerator>
    private var nextTry = ContinuousClock.now

    init(interval: Duration, budget: Duration?) {
        self.interval = interval
        self.budget = budget
        failures = Self.backoff(interval, budget)
        outages = failures
    }

    /// Pauses that grow to the interval, and to 10 seconds at least.
    private static func backoff(_ interval: Duration, _ budget: Duration?) -> Backoff<SystemRandomNumberGenerator> {
        Backoff(cap: max(interval, .seconds(10)), budget: budget ?? .seconds(86_400))
    }

    /// Whether messages that were not delivered before should be tried again.
    var isTryDue: Bool { ContinuousClock.now >= nextTry }

    /// The pause after a poll that read the inbox; nil if no poll should follow.
    ///
    /// - Parameters:
    ///   - failed: whether a message was not delivered.
    ///   - keepsGoing: whether the inbox is polled before that one is tried again.
    mutating func afterPoll(failed: Bool, keepsGoing: Bool) -> Duration? {
        outages = Self.backoff(interval, budget)
        // Clients that began together do not stay together.
        let usual = interval * Double.random(in: 0.9...1.1)
        guard failed else {
            if isTryDue { failures = Self.backoff(interval, budget) }
            return usual
        }
        let elapsed = budget == nil ? .zero : ContinuousClock.now - start
        guard let pause = failures.pause(elapsed: elapsed) else { return nil }
        nextTry = .now + pause
        return keepsGoing ? min(usual, pause) : pause
    }

    /// The pause after a poll that failed.
    mutating func afterOutage() -> Duration { outages.pause(elapsed: .zero) ?? interval }

    /// Has what was not delivered tried again at the next poll.
    mutating func tryNow() { nextTry = .now }
}
