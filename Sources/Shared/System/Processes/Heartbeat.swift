import Synchronization

/// Shows the service manager that a program is alive, as long as each of its threads is.
package final class Heartbeat: Sendable {
    private let service: ServiceNotice
    /// nil where the manager does not ask.
    private let signs: Mutex<LifeSigns>?

    /// - Parameter threads: the names of those that must each ``beat(_:)`` more often than the manager wants to hear.
    package init(_ service: ServiceNotice, of threads: [String]) {
        self.service = service
        signs = service.watchdogInterval.map { Mutex(LifeSigns(of: threads, every: $0, from: .now)) }
    }

    /// A sign of life of a thread. The manager is told if all the others have given theirs too.
    package func beat(_ thread: String) {
        guard signs?.withLock({ $0.note(thread, at: .now) }) == true else { return }
        service.tell(.alive)
    }
}

/// When each thread was last alive.
package struct LifeSigns: Sendable {
    private let interval: Duration
    private var last: [String: ContinuousClock.Instant]
    private var told: ContinuousClock.Instant?

    /// - Parameters:
    ///   - threads: their names; all count as alive at the start.
    ///   - interval: for how long a sign is good.
    package init(of threads: [String], every interval: Duration, from start: ContinuousClock.Instant) {
        self.interval = interval
        last = Dictionary(threads.map { ($0, start) }) { first, _ in first }
    }

    /// Notes a sign of a thread.
    ///
    /// - Returns: whether it is time to tell that all of them are alive: twice in an interval.
    package mutating func note(_ thread: String, at now: ContinuousClock.Instant) -> Bool {
        last[thread] = now
        guard last.values.allSatisfy({ now - $0 <= interval }), told.map({ now - $0 >= interval / 2 }) ?? true else {
            return false
        }
        told = now
        return true
    }
}
