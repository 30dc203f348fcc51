import CProcess
import Glibc

/// Keeps secrets out of what a crash leaves behind.
enum CrashDumps {
    /// Turned off once, by whatever holds the first secret of the process: no core is written, no other process of the
    /// user may attach to this one, /proc/PID/mem and environ belong to root, and Swift's own crash reporter, which
    /// prints registers and the memory around them, does not run.
    static let areOff: Bool = {
        for number in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV, SIGTRAP] {
            _ = signal(number, SIG_DFL)
        }
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        // The limit is not asked where cores go to a program (core(5)); that the process cannot be dumped is.
        let isLimited = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none) == 0
        return process_forbid_dumps() == 0 && isLimited
    }()
}
