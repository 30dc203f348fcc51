import Glibc
import Processes
import Testing

@Suite(.timeLimit(.minutes(1)), .serialized)
struct SignalsTests {
    /// Signals are the process's: one for all the tests.
    private static let signals = Signals(catching: SIGUSR1, SIGUSR2)

    /// Sends a signal to the process, and waits until the handler has run: the test's thread holds signals back.
    private func send(_ number: Int32) {
        kill(getpid(), number)
        #expect(!Self.signals.wait(for: .seconds(20)))
    }

    @Test func `signals are noticed in their order, each once`() {
        #expect(Self.signals.take().isEmpty)
        send(SIGUSR2)
        #expect(Self.signals.take() == [SIGUSR2])
        send(SIGUSR1)
        #expect(Self.signals.take() == [SIGUSR1])
        #expect(Self.signals.take().isEmpty)
    }

    @Test func `a signal that came before the wait ends it`() {
        send(SIGUSR1)
        let start = ContinuousClock.now
        #expect(!Self.signals.wait(for: .seconds(20)))
        #expect(ContinuousClock.now - start < .seconds(10))
        #expect(Self.signals.take() == [SIGUSR1])
        #expect(Self.signals.take().isEmpty)
    }

    @Test func `a wait ends with its time`() {
        let start = ContinuousClock.now
        #expect(!Self.signals.wait(for: .milliseconds(60)))
        #expect(ContinuousClock.now - start >= .milliseconds(60))
    }

    @Test func `a descriptor that can be read, or has ended, ends the wait`() throws {
        var ends: [Int32] = [-1, -1]
        #expect(unsafe pipe(&ends) == 0)
        #expect(!Self.signals.wait(for: .milliseconds(10), reading: ends[0]))
        #expect(unsafe write(ends[1], "x", 1) == 1)
        #expect(Self.signals.wait(for: .seconds(20), reading: ends[0]))
        var byte: UInt8 = 0
        #expect(unsafe read(ends[0], &byte, 1) == 1)
        close(ends[1])
        #expect(Self.signals.wait(for: nil, reading: ends[0]))
        close(ends[0])
    }
}
