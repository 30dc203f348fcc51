import Console
import Glibc
import Processes

/// What the program attends to whatever it is busy with: signals, and the service manager that wants to hear from it.
final class SignalMonitor {
    private let signals: Signals
    private let service = SystemdNotifier()
    private let hangUpEnds: Bool
    private var lastSign = ContinuousClock.now
    private var isCalled = false
    /// The signal that asked the program to end.
    private(set) var endingSignal: Int32?

    /// How often it looks for signals while it waits.
    private static let pollInterval = Duration.seconds(1)

    /// - Parameter hangUpEnds: whether SIGHUP asks the program to end, or to poll now.
    init(hangUpEnds: Bool) {
        self.hangUpEnds = hangUpEnds
        // SIGCHLD only ends a wait.
        signals = Signals(catching: SIGTERM, SIGINT, SIGHUP, SIGCHLD)
    }

    /// Whether the program should end.
    var isEnding: Bool {
        poll()
        return endingSignal != nil
    }

    private func poll() {
        for signal in signals.take() where signal != SIGCHLD {
            if signal == SIGHUP, !hangUpEnds { isCalled = true } else { endingSignal = signal }
        }
        guard let interval = service.watchdogInterval, ContinuousClock.now - lastSign >= interval else { return }
        lastSign = .now
        service.tell(.alive)
    }

    /// Waits at most this long, less if a signal arrives.
    ///
    /// - Returns: whether the program should end.
    func wait(_ duration: Duration) -> Bool {
        signals.wait(for: min(duration, Self.pollInterval, service.watchdogInterval ?? Self.pollInterval))
        return isEnding
    }

    /// Waits for a time, less if the program should end or poll now.
    ///
    /// - Parameter onWait: called about once a second.
    /// - Returns: whether it was asked to poll now.
    @discardableResult
    func rest(_ duration: Duration, onWait: () -> Void = {}) -> Bool {
        let start = ContinuousClock.now
        defer { isCalled = false }
        while !isEnding, !isCalled {
            let rest = duration - (ContinuousClock.now - start)
            guard rest > .zero else { break }
            _ = wait(rest)
            onWait()
        }
        return isCalled
    }

    /// Tells that the program has started.
    func announce() { service.tell(.ready) }

    /// Tells that the program is ending, and ends it if a signal has asked for that.
    func leave() {
        StatusLine.erase()
        service.tell(.stopping)
        if let endingSignal { Signals.end(by: endingSignal) }
    }
}
