import CProcess
package import Failures
import Glibc

/// Threads that do the same for as long as one call takes, or go on by themselves.
package enum Threads {
    /// Begins to run `body` on a thread that nobody waits for.
    ///
    /// - Parameter stackByteCount: how much its stack may take; a limit on the process's memory counts all of it.
    /// - Throws: ``ThreadError`` where the system gives no thread.
    package static func detach(
        stackByteCount: Int = 1 << 20, _ body: @escaping @Sendable () -> Void
    ) throws(ThreadError) {
        guard let thread = Thread(stackByteCount: stackByteCount, body) else { throw ThreadError() }
        thread.detach()
    }

    /// Runs `body` on this many threads, the calling one included, and waits until all of them are done.
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

/// The system gives no thread.
package struct ThreadError: UserFacingError, Equatable {
    package var kind: ErrorCategory { .serviceFailed }
    package var description: String { "the system gives no more threads" }
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

    /// Detaches the thread: its end is not waited for.
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

/// A thread that does the work passed to it, in order, while the calling thread continues.
///
/// It begins with the first work. Where there is one processor, or the system gives no thread, the calling thread does
/// the work when it hands it over.
package final class Worker<Work: Sendable> {
    private let orders: Orders
    private var thread: Thread?
    private var isBegun = false
    /// How much work was passed on and not waited for.
    private var openCount = 0

    /// Runs `body`, and waits until all work that it passed on is done, even if it throws.
    ///
    /// - Parameter perform: does one work; never called on two threads at a time.
    package static func with<Result: ~Copyable, Reason: Error>(
        _ perform: @Sendable (Work) -> Void, _ body: (Worker) throws(Reason) -> Result
    ) throws(Reason) -> Result {
        try withoutActuallyEscaping(perform) { perform throws(Reason) in
            let worker = Worker(perform)
            defer { worker.end() }
            return try body(worker)
        }
    }

    private init(_ perform: @escaping @Sendable (Work) -> Void) { orders = Orders(perform) }

    /// Passes on work, to be done after what was passed on before.
    package func hand(_ work: Work) {
        if !isBegun {
            isBegun = true
            if Processors.count > 1 { thread = Thread { [orders] in orders.followAll() } }
        }
        guard thread != nil else { return orders.perform(work) }
        orders.give(work)
        openCount += 1
    }

    /// Waits until all work that was passed on is done.
    package func wait() {
        while openCount > 0 {
            orders.done.wait()
            openCount -= 1
        }
    }

    private func end() {
        wait()
        orders.end()
        thread?.join()
    }

    /// What both threads see.
    ///
    /// `@unchecked Sendable`: one thread at a time has `access` to the queue. ThreadSanitizer sees that of a semaphore,
    /// and not of Swift's Mutex.
    private final class Orders: @unchecked Sendable {
        let perform: @Sendable (Work) -> Void
        let done = Semaphore()
        private let given = Semaphore()
        private let access = Semaphore(1)
        private var queue: ArraySlice<Work> = []

        init(_ perform: @escaping @Sendable (Work) -> Void) { self.perform = perform }

        func give(_ work: Work) {
            access.wait()
            queue.append(work)
            access.post()
            given.post()
        }

        /// Lets ``followAll()`` return.
        func end() { given.post() }

        func followAll() {
            while true {
                given.wait()
                access.wait()
                let next = queue.popFirst()
                access.post()
                guard let work = next else { return }
                perform(work)
                done.post()
            }
        }
    }
}
