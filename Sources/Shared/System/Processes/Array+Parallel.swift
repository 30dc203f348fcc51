import Synchronization

extension Array where Element: Sendable {
    /// What `transform` makes of each element, in the order of the elements, worked out on all the processors.
    ///
    /// For work of some microseconds and more an element, which nobody waits in. One element is worked on by the
    /// calling thread alone.
    /// - Parameter transform: called on several threads at a time. Once it has thrown, the elements behind that are
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
        // Indices are taken in their order: whatever stands before a failure was worked on.
        for case let slot? in slots { outputs.append(try slot.get()) }
        return outputs
    }
}
