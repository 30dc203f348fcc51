import Glibc

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

    func post() { unsafe sem_post(semaphore) }

    func wait() {
        // A signal that was handled ends the waiting as well.
        while unsafe sem_wait(semaphore) != 0 {}
    }
}
