import CProcess
import Glibc
import Synchronization

/// The signals that ask this program for something; it notices them when it is ready to.
///
/// A handler only writes the signal's number into a pipe, so that no signal is lost between a check and a wait.
/// Children inherit neither.
package struct Signals: Sendable {
    /// The end that the handlers write to, and the one that is read; -1 as long as there is no pipe.
    private static let writing = Atomic<Int32>(-1)
    private let reading: Int32

    /// Catches signals from now on. One of these serves a program.
    ///
    /// - Parameter numbers: as SIGTERM.
    package init(catching numbers: Int32...) {
        var ends: [Int32] = [-1, -1]
        // Without a pipe the signals keep their usual effect.
        guard unsafe pipe(&ends) == 0, let first = ends.first, let last = ends.last else {
            reading = -1
            return
        }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        reading = first
        Self.writing.store(last, ordering: .sequentiallyConsistent)
        for number in numbers {
            var action = sigaction()
            unsafe action.__sigaction_handler.sa_handler = { number in
                let before = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = unsafe Glibc.write(Signals.writing.load(ordering: .sequentiallyConsistent), &byte, 1)
                errno = before
            }
            unsafe sigaction(number, &action, nil)
        }
    }

    /// Takes the signals that have come since the last look, in their order.
    package func take() -> [Int32] {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(reading, $0.baseAddress, $0.count) }
        return count > 0 ? bytes.prefix(count).map(Int32.init) : []
    }

    /// Waits until a signal comes, a descriptor can be read, or the time is up.
    ///
    /// - Parameters:
    ///   - duration: the most that is waited; nil for no end.
    ///   - descriptor: one that is waited for as well.
    /// - Returns: whether the descriptor can be read, its end included.
    @discardableResult
    package func wait(for duration: Duration?, reading descriptor: Int32? = nil) -> Bool {
        var events = [pollfd(fd: reading, events: Int16(POLLIN), revents: 0)]
        if let descriptor { events.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)) }
        let count = unsafe poll(&events, nfds_t(events.count), duration.map(Self.milliseconds) ?? -1)
        return count > 0 && descriptor != nil && events.last?.revents != 0
    }

    /// Whole milliseconds, rounded up: a wait that is cut to nothing would be a busy one.
    private static func milliseconds(of duration: Duration) -> Int32 {
        let (seconds, attoseconds) = min(max(duration, .zero), .seconds(86_400)).components
        return Int32(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }

    /// Ends the program by a signal, as it would have without a handler, so that a shell sees why; also where it is
    /// ignored or held back.
    package static func end(by number: Int32) -> Never {
        _ = signal(number, SIG_DFL)
        var meant = sigset_t()
        unsafe sigemptyset(&meant)
        unsafe sigaddset(&meant, number)
        unsafe pthread_sigmask(SIG_UNBLOCK, &meant, nil)
        raise(number)
        exit(128 + number)
    }
}
