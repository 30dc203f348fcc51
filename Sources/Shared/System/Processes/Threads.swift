import CProcess
import Glibc

/// Threads that do the same, for as long as one call takes.
enum Threads {
    /// Runs `body` on so many threads at a time, the calling one included, and waits until all of them are done.
    ///
    /// Where the system gives fewer threads, there are fewer: the caller's own is there in any case.
    /// - Parameter stackByteCount: as ``Thread`` takes it.
    static func run(_ count: Int, stackByteCount: Int = Thread.stackByteCount, _ body: @Sendable () -> Void) {
        withoutActuallyEscaping(body) { body in
            var threads: [Thread] = []
            while threads.count < count - 1, let thread = Thread(stackByteCount: stackByteCount, body) {
                threads.append(thread)
            }
            body()
            for thread in threads { thread.join() }
        }
    }
}

/// A thread of the system (pthreads(7)); whoever begins it calls one of ``join()`` and ``detach()``, once.
final class Thread: Sendable {
    /// How much its stack may take: less than is usual, since a limit on the process's memory counts all of it.
    static let stackByteCount = 1 << 20

    private let thread: pthread_t

    /// Begins to run `body`; nil where the system gives no thread.
    init?(stackByteCount: Int = Thread.stackByteCount, _ body: @escaping @Sendable () -> Void) {
        let body = unsafe Unmanaged.passRetained(Body(run: body))
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setstacksize(&attributes, stackByteCount)
        defer { unsafe pthread_attr_destroy(&attributes) }
        var thread = pthread_t()
        let failure = unsafe pthread_create(
            &thread, &attributes,
            { context in
                if let context = unsafe context {
                    unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                }
                return nil
            }, body.toOpaque())
        guard failure == 0 else {
            unsafe body.release()
            return nil
        }
        self.thread = thread
    }

    /// Waits until `body` has ended.
    func join() { pthread_join(thread, nil) }

    /// Says that nobody will wait for it.
    func detach() { pthread_detach(thread) }

    /// What the thread runs, as it is handed to it through C.
    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(run: @escaping @Sendable () -> Void) { self.run = run }
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
