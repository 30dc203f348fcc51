import Glibc
import Synchronization
import Testing

@testable import Processes

@Suite(.timeLimit(.minutes(1))) struct WorkerTests {
    /// The work done, in order.
    private final class Log: Sendable {
        private let entries = Mutex<[Int]>([])
        var all: [Int] { entries.withLock { $0 } }
        func add(_ entry: Int) { entries.withLock { $0.append(entry) } }
    }

    private struct Refusal: Error {}

    @Test(arguments: [0, 1, 2, 1000])
    func `all work is done, in order`(_ count: Int) {
        let log = Log()
        Worker.with(log.add) { worker in
            for number in 0..<count { worker.hand(number) }
        }
        #expect(log.all == Array(0..<count))
    }

    @Test func `a wait ends when the work handed over is done`() {
        let log = Log()
        Worker.with({ (number: Int) in
            usleep(1000)
            log.add(number)
        }) { worker in
            worker.wait()
            for number in 0..<20 {
                worker.hand(number)
                if number % 5 == 4 {
                    worker.wait()
                    #expect(log.all == Array(0...number))
                }
            }
        }
    }

    @Test func `work handed over is done even if the caller throws`() {
        let log = Log()
        #expect(throws: Refusal.self) {
            try Worker.with({ (number: Int) in
                usleep(2000)
                log.add(number)
            }) { worker in
                for number in 0..<5 { worker.hand(number) }
                throw Refusal()
            }
        }
        #expect(log.all == Array(0..<5))
    }

    @Test(.enabled(if: Processors.count > 1, "there is one processor"))
    func `the caller continues while the work is done`() {
        let isOpen = Atomic(false)
        let log = Log()
        Worker.with({ (number: Int) in
            for _ in 0..<5000 where !isOpen.load(ordering: .acquiring) { usleep(1000) }
            if isOpen.load(ordering: .acquiring) { log.add(number) }
        }) { worker in
            worker.hand(1)
            worker.hand(2)
            isOpen.store(true, ordering: .releasing)
        }
        #expect(log.all == [1, 2])
    }
}
