import Synchronization

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

/// One result on its way from a thread to whoever waits for it.
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
