import Glibc
import Synchronization

/// What a program tells the service manager that has started it (sd_notify(3)): nothing where there is none.
package struct SystemdNotifier: Sendable {
    /// The state of the program.
    package enum State: Sendable {
        /// It is starting, and will have started, or have said this again, after that time at the latest.
        case starting(within: Duration)
        /// It has started.
        case ready
        /// It is ending.
        case stopping
        /// It is alive.
        case alive

        fileprivate var text: String {
            switch self {
            case .starting(let duration): "EXTEND_TIMEOUT_USEC=\(Int64(max(duration, .zero) / .microseconds(1)))"
            case .ready: "READY=1"
            case .stopping: "STOPPING=1"
            case .alive: "WATCHDOG=1"
            }
        }
    }

    /// How often the manager wants to hear that the program is alive: half of the time after which it takes it for
    /// dead (sd_watchdog_enabled(3)); nil if it does not ask.
    package let watchdogInterval: Duration?
    private let socketName: String?

    /// Takes what the manager has said in the environment out of it: children are not meant.
    package init() {
        socketName = Self.take("NOTIFY_SOCKET")
        let limit = Self.take("WATCHDOG_USEC").flatMap(UInt32.init) ?? 0
        let isMeant = Self.take("WATCHDOG_PID").map { $0 == String(getpid()) } ?? true
        watchdogInterval = socketName != nil && isMeant && limit > 0 ? .microseconds(limit) / 2 : nil
    }

    private static func take(_ name: String) -> String? {
        defer { unsafe unsetenv(name) }
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// Tells it. A manager that does not listen is none of the program's business.
    package func tell(_ state: State) {
        guard let address = socketName.flatMap(UnixSocketAddress.init) else { return }
        let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { return }
        defer { close(number) }
        var timeout = timeval(tv_sec: 1, tv_usec: 0)
        unsafe setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let text = Array(state.text.utf8)
        _ = unsafe address.withPointer { pointer, length in
            unsafe sendto(number, text, text.count, Int32(MSG_NOSIGNAL), pointer, length)
        }
    }
}

/// Shows the service manager that a program is alive, as long as each of its threads is.
package final class Heartbeat: Sendable {
    private let service: SystemdNotifier
    /// nil where the manager does not ask.
    private let signs: Mutex<Watchdog>?

    /// - Parameter threads: the names of those that must each ``beat(_:)`` more often than the manager wants to hear.
    package init(_ service: SystemdNotifier, of threads: [String]) {
        self.service = service
        signs = service.watchdogInterval.map { Mutex(Watchdog(of: threads, every: $0, from: .now)) }
    }

    /// A thread reports that it is alive. The manager is notified once all threads have.
    package func beat(_ thread: String) {
        guard signs?.withLock({ $0.note(thread, at: .now) }) == true else { return }
        service.tell(.alive)
    }
}

/// When each thread was last alive.
package struct Watchdog: Sendable {
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
