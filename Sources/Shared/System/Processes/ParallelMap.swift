import Glibc
import Synchronization

extension Array where Element: Sendable {
    /// What `transform` makes of each element, in the order of the elements, worked out on all the processors.
    ///
    /// For work of some microseconds and more an element, which nobody waits in. One element is worked on by the
    /// calling thread alone.
    /// - Parameter transform: called on several threads at a time. Once it has thrown, the elements after that are
    ///   not begun.
    /// - Throws: what `transform` throws for the first of the elements, in their order, for which it throws.
    package func mapInParallel<Output: Sendable, Reason: Error>(
        _ transform: @Sendable (Element) throws(Reason) -> Output
    ) throws(Reason) -> [Output] {
        let team = Swift.min(Processors.count, count / 2)
        guard team > 1 else { return try map(transform) }
        var slots = [Result<Output, Reason>?](repeating: nil, count: count)
        unsafe slots.withUnsafeMutableBufferPointer { buffer in
            // Each place is written by the one thread that took its index.
            nonisolated(unsafe) let places = unsafe buffer
            let next = Atomic(0)
            Threads.run(team) {
                while true {
                    let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    guard index < count else { return }
                    do throws(Reason) { unsafe places[index] = .success(try transform(self[index])) } catch {
                        unsafe places[index] = .failure(error)
                        next.store(count, ordering: .relaxed)
                    }
                }
            }
        }
        var outputs: [Output] = []
        outputs.reserveCapacity(count)
        // Indices are taken in order: everything before a failure was processed.
        for case let slot? in slots { outputs.append(try slot.get()) }
        return outputs
    }
}

extension Array where Element: Sendable {
    /// Hands over what `transform` makes of each element, in their order, as soon as it is there.
    ///
    /// For work that waits: all elements are worked on at once, each on a thread, as far as the system gives threads
    /// and `limit` allows. Where it gives none, the calling thread works on one after the other.
    /// - Throws: what `body` throws; what was begun then goes on without being waited for.
    package func mapAtOnce<Output: Sendable>(
        limit: Int, _ transform: @escaping @Sendable (Element) -> Output, _ body: (Output) throws -> Void
    ) rethrows {
        let slots = map { _ in Slot<Output>() }
        let next = Counter()
        let work: @Sendable () -> Void = { [self] in
            while let index = next.take(below: count) { slots[index].put(transform(self[index])) }
        }
        var threadCount = 0
        while threadCount < Swift.min(count, limit), let thread = Thread(work) {
            thread.detach()
            threadCount += 1
        }
        if threadCount == 0 { work() }
        for slot in slots { try body(slot.take()) }
    }
}

/// Numbers from 0 on, each of which one thread gets.
private final class Counter: Sendable {
    private let next = Atomic(0)

    /// The next number; nil from `limit` on.
    func take(below limit: Int) -> Int? {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        return index < limit ? index : nil
    }
}

/// A result on its way from one thread to another.
private final class Slot<Output: Sendable>: Sendable {
    private let output = Mutex<Output?>(nil)
    private let isReady = Semaphore()

    func put(_ output: Output) {
        self.output.withLock { $0 = output }
        isReady.post()
    }

    func take() -> Output {
        while true {
            isReady.wait()
            if let output = output.withLock({ $0 }) { return output }
        }
    }
}

/// A count that one thread raises and another waits for (sem_overview(7)).
///
/// `@unchecked Sendable`: the system keeps the count, and the memory stays where it is.
@safe
final class Semaphore: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init(_ count: UInt32 = 0) { unsafe sem_init(semaphore, 0, count) }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    /// Adds one, which lets one waiting thread go on.
    func post() { unsafe sem_post(semaphore) }

    /// Waits until there is one, and takes it.
    func wait() {
        // A signal that was handled ends the waiting as well.
        while unsafe sem_wait(semaphore) != 0 {}
    }
}
