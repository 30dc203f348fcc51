import Processes
import Testing

@Suite struct WatchdogTests {
    private let start = ContinuousClock.now

    /// The seconds at which the manager is told, for signs of life at these seconds.
    private func told(
        of threads: [String], every interval: Double = 10, _ signs: [(thread: String, at: Double)]
    ) -> [Double] {
        var watchdog = Watchdog(of: threads, every: .seconds(interval), from: start)
        return signs.filter { watchdog.note($0.thread, at: start + .seconds($0.at)) }.map(\.at)
    }

    @Test func `the manager is told at most twice in an interval`() {
        #expect(told(of: ["a"], (0..<21).map { ("a", Double($0)) }) == [0, 5, 10, 15, 20])
    }

    @Test func `one silent thread stops the notices, whatever the others do`() {
        let busy = (0..<40).map { (thread: "a", at: Double($0)) }
        #expect(told(of: ["a", "b"], busy) == [0, 5, 10])
        #expect(told(of: ["a", "b", "c"], busy + busy.map { ("b", $0.at) }) == [0, 5, 10])
    }

    @Test func `the notices resume when the thread does`() {
        let busy = (0..<40).map { (thread: "a", at: Double($0)) }
        let signs = (busy + [("b", 30.5)]).sorted { $0.at < $1.at }
        #expect(told(of: ["a", "b"], signs) == [0, 5, 10, 30.5, 36])
    }

    @Test func `threads that take turns keep each other alive`() {
        let signs = (0..<8).map { (thread: $0 % 2 == 0 ? "a" : "b", at: Double($0) * 5) }
        #expect(told(of: ["a", "b"], signs) == [0, 5, 10, 15, 20, 25, 30, 35])
    }
}
