/// A thread that does what is handed to it, in that order, while the calling thread goes on.
///
/// It begins with the first work. Where there is one processor, or the system gives no thread, the calling thread does
/// the work when it hands it over.
package final class Worker<Work: Sendable> {
    private let orders: Orders
    private var thread: Thread?
    private var isBegun = false
    /// How much was handed over and not waited for.
    private var openCount = 0

    /// Runs `body`, and waits until all that it handed over is done, also where it throws.
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

    /// Has a work done, behind those that were handed over before.
    package func hand(_ work: Work) {
        if !isBegun {
            isBegun = true
            if Processors.count > 1 { thread = Thread { [orders] in orders.followAll() } }
        }
        guard thread != nil else { return orders.perform(work) }
        orders.give(work)
        openCount += 1
    }

    /// Waits until all is done that was handed over.
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
