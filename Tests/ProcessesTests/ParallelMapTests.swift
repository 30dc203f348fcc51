import Glibc
import Synchronization
import Testing

@testable import Processes

@Suite struct ParallelMapTests {
    /// Takes a different time for each element, so that threads overtake each other.
    private static func slowly(_ number: Int) -> Int {
        usleep(UInt32((number * 7919) % 300))
        return number * 2
    }

    private final class Counter: Sendable {
        private let atomic = Atomic(0)
        var value: Int { atomic.load(ordering: .relaxed) }
        func add() { atomic.add(1, ordering: .relaxed) }
    }

    private struct Refusal: Error, Equatable {
        let number: Int
    }

    @Test(arguments: [0, 1, 2, 3, 4, 5, 7, 64, 1000])
    func `results are in the order of the elements`(_ count: Int) {
        let numbers = Array(0..<count)
        #expect(numbers.mapInParallel(Self.slowly) == numbers.map { $0 * 2 })
    }

    /// What is thrown when `transform` is applied to `count` numbers.
    private static func refusal(
        of count: Int, _ transform: @Sendable (Int) throws(Refusal) -> Int
    ) -> Refusal? {
        do throws(Refusal) {
            _ = try Array(0..<count).mapInParallel(transform)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [0, 1, 30, 99])
    func `the error of the first failing element is thrown`(_ first: Int) {
        for _ in 0..<20 {
            let refusal = Self.refusal(of: 100) { number throws(Refusal) in
                // The first to refuse takes longest.
                if number == first { usleep(2000) }
                if number >= first { throw Refusal(number: number) }
                return Self.slowly(number)
            }
            #expect(refusal == Refusal(number: first))
        }
    }

    @Test func `no work begins long after a failure`() {
        let begun = Counter()
        let refusal = Self.refusal(of: 100_000) { number throws(Refusal) in
            begun.add()
            if number == 0 { throw Refusal(number: number) }
            usleep(100)
            return number
        }
        #expect(refusal == Refusal(number: 0))
        #expect(begun.value < 10_000)
    }

    @Test func `each element is transformed once`() {
        let calls = (0..<500).map { _ in Counter() }
        _ = calls.mapInParallel { $0.add() }
        #expect(calls.allSatisfy { $0.value == 1 })
    }

    @Test(.enabled(if: Processors.count > 1, "there is one processor"))
    func `two elements are transformed at the same time`() {
        let inside = Counter()
        let met = Array(0..<4).mapInParallel { _ in
            inside.add()
            for _ in 0..<1000 where inside.value < 2 { usleep(1000) }
            return inside.value >= 2
        }
        #expect(met == [true, true, true, true])
    }

    @Test func `a single element is transformed on the calling thread`() {
        #expect([0].mapInParallel { _ in pthread_self() } == [pthread_self()])
    }

    @Test func `the calling thread does the work if no thread can be created`() {
        let runs = Counter()
        Threads.run(64, stackByteCount: 1 << 60) { runs.add() }
        #expect(runs.value == 1)
    }

    @Test(.timeLimit(.minutes(1)))
    func aDetachedThreadRunsBesidesTheCallingOne() throws {
        let own = pthread_self()
        let isDone = Semaphore()
        try Threads.detach {
            #expect(pthread_self() != own)
            isDone.post()
        }
        isDone.wait()
    }

    @Test func aDetachedThreadThatCannotBeMadeIsAnError() {
        let runs = Counter()
        #expect(throws: ThreadError()) { try Threads.detach(stackByteCount: 1 << 60) { runs.add() } }
        #expect(runs.value == 0)
    }

    @Test(arguments: [0, 1, 2, 5, 64, 200])
    func `outputs are delivered in the order of the elements`(_ count: Int) {
        var outputs: [Int] = []
        Array(0..<count).mapAtOnce(limit: 64, Self.slowly) { outputs.append($0) }
        #expect(outputs == (0..<count).map { $0 * 2 })
    }

    @Test(.timeLimit(.minutes(1)))
    func `as many elements as the limit are in progress at once`() {
        let inside = Counter()
        var met: [Bool] = []
        Array(0..<20).mapAtOnce(limit: 10) { _ in
            inside.add()
            for _ in 0..<2000 where inside.value < 10 { usleep(1000) }
            return inside.value >= 10
        } _: {
            met.append($0)
        }
        #expect(met == Array(repeating: true, count: 20))
    }

    @Test func `an error of the consumer ends the call without waiting for the rest`() {
        let start = ContinuousClock.now
        #expect(throws: Refusal(number: 0)) {
            try Array(0..<2).mapAtOnce(limit: 2) { number in
                if number == 1 { sleep(5) }
                return number
            } _: { number in
                throw Refusal(number: number)
            }
        }
        #expect(ContinuousClock.now - start < .seconds(4))
    }

    @Test func `only the processors that this process may use are counted`() {
        #expect(Processors.count >= 1)
        #expect(Processors.count <= sysconf(Int32(_SC_NPROCESSORS_CONF)))
    }
}
