import Console
import Failures
import Glibc
import SecretMemory
import Testing

/// The two ends of a pipe, open for as long as `body` runs.
private func withPipe<Result>(_ body: (_ reader: Descriptor, _ writer: Descriptor) throws -> Result) throws -> Result {
    var ends: [Int32] = [0, 0]
    try #require(unsafe pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    return try body(Descriptor(number: ends[0]), Descriptor(number: ends[1]))
}

@Suite(.timeLimit(.minutes(1)))
struct DescriptorTests {
    @Test func `what is written comes out, a line with its end`() throws {
        try withPipe { reader, writer throws in
            try writer.write([])
            try writer.writeLine("é")
            var block = [UInt8](repeating: 0, count: 10)
            var span = block.mutableSpan
            let count = try reader.read(into: &span, path: "pipe")
            #expect(count == 3)
            #expect(block.prefix(3) == [0xC3, 0xA9, 0x0A])
        }
    }

    @Test func `a closed pipe is told apart from what cannot be written`() async {
        // In a process of its own: the signal must be off, as it is in the programs.
        await #expect(processExitsWith: .success) { () throws in
            _ = signal(SIGPIPE, SIG_IGN)
            var ends: [Int32] = [0, 0]
            try #require(unsafe pipe(&ends) == 0)
            close(ends[0])
            #expect(throws: ConsoleError.outputClosed) { try Descriptor(number: ends[1]).writeLine("x") }
        }
    }

    @Test func `a full device and a descriptor that is none cannot be written`() throws {
        let full = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)
        try #require(full >= 0)
        defer { close(full) }
        let error = #expect(throws: ConsoleError.cannotWrite(errno: ENOSPC)) { try Descriptor(number: full).write([1]) }
        #expect(error?.description == "cannot write the output: no space left on device")
        #expect(throws: ConsoleError.cannotWrite(errno: EBADF)) { try Descriptor(number: -1).write([1]) }
    }

    @Test func `more than a pipe holds is written whole`() async throws {
        var ends: [Int32] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
        let writer = Task.detached {
            defer { close(writing) }
            try Descriptor(number: writing).write(bytes)
        }
        let secret = try Descriptor(number: reading).readSecret(limit: bytes.count, path: "pipe")
        close(reading)
        try await writer.value
        let isWhole = secret.withBytes { span in
            span.indices.allSatisfy { span[$0] == bytes[$0] } && span.count == bytes.count
        }
        #expect(isWhole)
    }

    @Test("a secret has a limit", arguments: [(0, 0), (4, 4), (4, 5)])
    func secretWithinLimit(count: Int, limit: Int) throws {
        let read = try withPipe { reader, writer in
            try writer.write([UInt8](repeating: 7, count: count))
            close(writer.number)
            return try reader.readSecret(limit: limit, path: "pipe").count
        }
        #expect(read == count)
    }

    @Test func `a secret beyond its limit is refused`() throws {
        try withPipe { reader, writer throws in
            try writer.write([1, 2, 3])
            #expect(throws: ConsoleError.tooLong(path: "pipe", limit: 2)) {
                _ = try reader.readSecret(limit: 2, path: "pipe")
            }
        }
    }

    @Test func `what cannot be read is told by its name`() {
        #expect(throws: ConsoleError.cannotRead(path: "there", errno: EBADF)) {
            _ = try Descriptor(number: -1).readSecret(limit: 2, path: "there")
        }
    }

    @Test func `a pipe is no terminal`() throws {
        try withPipe { reader, writer throws in
            #expect(!reader.isTerminal)
            #expect(!writer.isTerminal)
        }
    }
}

@Suite(.timeLimit(.minutes(1)))
struct VoiceTests {
    private enum Sample: Failure {
        case no
        var kind: FailureKind { .answerIsNo }
        var description: String { "it does not hold" }
        var hints: [String] { ["one", "two"] }
    }

    @Test func `lines on standard error begin with the program and the kind`() async throws {
        let result = try await #require(
            processExitsWith: .success, observing: [\.standardErrorContent, \.standardOutputContent]
        ) {
            let voice = Voice(program: "prog")
            voice.warning("odd")
            voice.note("so far")
            #expect(voice.report(Sample.no) == .answerIsNo)
        }
        let expected = """
            prog: warning: odd
            prog: so far
            prog: error: it does not hold
            prog: hint: one
            prog: hint: two

            """
        #expect(String(decoding: result.standardErrorContent, as: UTF8.self).contains(expected))
        #expect(!String(decoding: result.standardOutputContent, as: UTF8.self).contains("prog: "))
    }

    @Test(
        "each kind of failure has its status",
        arguments: [
            (FailureKind.answerIsNo, 1), (.badInput, 2), (.serviceFailed, 3), (.outcomeUnknown, 4),
        ] as [(FailureKind, Int32)])
    func status(kind: FailureKind, status: Int32) {
        #expect(ExitStatus(kind).rawValue == status)
        #expect(ExitStatus.done.rawValue == 0)
    }
}
