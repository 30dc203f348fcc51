import CProcess
import Glibc

/// Threads that do the same, for as long as one call takes.
enum Threads {
    /// Runs `body` on so many threads at a time, the calling one included, and waits until all of them are done.
    ///
    /// Where the system gives fewer threads, there are fewer: the caller's own is there in any case.
    /// - Parameter stackByteCount: how much each thread's stack may take; less than is usual, since a limit on the
    ///   process's memory counts all of it.
    static func run(_ count: Int, stackByteCount: Int = 1 << 20, _ body: @Sendable () -> Void) {
        withoutActuallyEscaping(body) { body in
            let shared = Body(run: body)
            var attributes = pthread_attr_t()
            unsafe pthread_attr_init(&attributes)
            unsafe pthread_attr_setstacksize(&attributes, stackByteCount)
            var threads: [pthread_t] = []
            while threads.count < count - 1, let thread = shared.thread(&attributes) { threads.append(thread) }
            unsafe pthread_attr_destroy(&attributes)
            shared.run()
            for thread in threads { pthread_join(thread, nil) }
        }
    }

    /// What the threads run, as it is handed to them through C.
    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(run: @escaping @Sendable () -> Void) { self.run = run }

        /// A thread that runs it, or nil if the system gives none. Whoever has the thread keeps this until it ends.
        func thread(_ attributes: inout pthread_attr_t) -> pthread_t? {
            var thread = pthread_t()
            let failure = unsafe pthread_create(
                &thread, &attributes,
                { context in
                    if let context = unsafe context {
                        unsafe Unmanaged<Body>.fromOpaque(context).takeUnretainedValue().run()
                    }
                    return nil
                }, Unmanaged.passUnretained(self).toOpaque())
            return failure == 0 ? thread : nil
        }
    }
}

/// The processors of this machine.
enum Processors {
    /// How many of them this process may use (sched_setaffinity(2), cpuset(7)).
    static let count: Int = {
        var set = cpu_set_t()
        let size = MemoryLayout<cpu_set_t>.size
        // It refuses where the machine has more of them than the set has room for.
        guard unsafe sched_getaffinity(0, size, &set) == 0 else { return 1 }
        return Int(unsafe __sched_cpucount(size, &set))
    }()
}
