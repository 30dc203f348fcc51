import Dispatch
import Glibc

/// SIGTERM and SIGINT, which end the agent in order.
///
/// They are held back in all threads from `init` on, so one must be made before there are other threads. As process 1
/// of a container the agent would not even see them otherwise.
struct EndSignals {
    private let awaited: sigset_t

    init() {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGTERM)
        unsafe sigaddset(&signals, SIGINT)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        awaited = signals
    }

    /// Waits on a thread of its own; when a signal comes, calls `body` and ends the process with status 0.
    func whenOneComes(_ body: @escaping @Sendable () -> Void) {
        let awaited = awaited
        DispatchQueue(label: "signals").async {
            var (signals, number) = (awaited, Int32(0))
            unsafe sigwait(&signals, &number)
            body()
            // Not exit(): other threads may be in libcurl, below which OpenSSL's exit handlers would pull the ground.
            _exit(0)
        }
    }
}
