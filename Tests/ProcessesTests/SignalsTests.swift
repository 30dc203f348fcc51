import Glibc
import Processes
import TestSupport
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

    @Test func `signals are taken once, in the order in which they came`() {
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

    @Test func `a wait ends when its time is up`() {
        let start = ContinuousClock.now
        #expect(!Self.signals.wait(for: .milliseconds(60)))
        #expect(ContinuousClock.now - start >= .milliseconds(60))
    }

    @Test func `a descriptor with input or at its end ends the wait`() throws {
        try withPipe { pipe throws in
            #expect(!Self.signals.wait(for: .milliseconds(10), reading: pipe.reader))
            #expect(unsafe write(pipe.writer, "x", 1) == 1)
            #expect(Self.signals.wait(for: .seconds(20), reading: pipe.reader))
            var byte: UInt8 = 0
            #expect(unsafe read(pipe.reader, &byte, 1) == 1)
            pipe.closeWriter()
            #expect(Self.signals.wait(for: nil, reading: pipe.reader))
        }
    }

    @Test func `a program ends by the signal itself, even one that is ignored and blocked`() async {
        await #expect(processExitsWith: .signal(SIGTERM)) {
            _ = signal(SIGTERM, SIG_IGN)
            var blocked = sigset_t()
            unsafe sigfillset(&blocked)
            unsafe pthread_sigmask(SIG_BLOCK, &blocked, nil)
            Signals.end(by: SIGTERM)
        }
    }
}
