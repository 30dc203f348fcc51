import Console
import Dispatch
import Failures
import Glibc
import SecretMemory
import TestSupport
import Testing

extension Pipe {
    fileprivate var input: Descriptor { Descriptor(number: reader) }
    fileprivate var output: Descriptor { Descriptor(number: writer) }
}

@Suite(.timeLimit(.minutes(1)))
struct DescriptorTests {
    @Test func `a line is written with a line feed and read as it was written`() throws {
        try withPipe { pipe throws in
            try pipe.output.write([])
            try pipe.output.writeLine("é")
            var block = [UInt8](repeating: 0, count: 10)
            var span = block.mutableSpan
            let count = try pipe.input.read(into: &span, path: "pipe")
            #expect(count == 3)
            #expect(block.prefix(3) == [0xC3, 0xA9, 0x0A])
        }
    }

    @Test func `writing to a pipe that has no reader reports a closed output`() async {
        // In a process of its own: the signal must be off, as it is in the programs.
        await #expect(processExitsWith: .success) { () throws in
            _ = signal(SIGPIPE, SIG_IGN)
            try withPipe { pipe throws in
                pipe.closeReader()
                #expect(throws: ConsoleError.outputClosed) { try pipe.output.writeLine("x") }
            }
        }
    }

    @Test func `writing to a full device or an invalid descriptor fails with the system's reason`() throws {
        let full = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)
        try #require(full >= 0)
        defer { close(full) }
        let error = #expect(throws: ConsoleError.cannotWrite(errno: ENOSPC)) { try Descriptor(number: full).write([1]) }
        #expect(error?.description == "cannot write the output: no space left on device")
        #expect(throws: ConsoleError.cannotWrite(errno: EBADF)) { try Descriptor(number: -1).write([1]) }
    }

    @Test func `a write that exceeds the pipe's buffer is completed`() throws {
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
        let secret = try withPipe { pipe in
            DispatchQueue.global().async {
                try? pipe.output.write(bytes)
                pipe.closeWriter()
            }
            return try pipe.input.readSecret(limit: bytes.count, path: "pipe")
        }
        let isWhole = secret.withBytes { span in
            span.count == bytes.count && span.indices.allSatisfy { span[$0] == bytes[$0] }
        }
        #expect(isWhole)
    }

    @Test("a secret may have as many bytes as its limit", arguments: [(0, 0), (4, 4), (4, 5)])
    func secretWithinLimit(count: Int, limit: Int) throws {
        let read = try withPipe { pipe in
            try pipe.output.write([UInt8](repeating: 7, count: count))
            pipe.closeWriter()
            return try pipe.input.readSecret(limit: limit, path: "pipe").count
        }
        #expect(read == count)
    }

    @Test func `a secret beyond its limit is refused`() throws {
        try withPipe { pipe throws in
            try pipe.output.write([1, 2, 3])
            #expect(throws: ConsoleError.tooLong(path: "pipe", limit: 2)) {
                _ = try pipe.input.readSecret(limit: 2, path: "pipe")
            }
        }
    }

    @Test func `an error names the input that cannot be read`() {
        #expect(throws: ConsoleError.cannotRead(path: "there", errno: EBADF)) {
            _ = try Descriptor(number: -1).readSecret(limit: 2, path: "there")
        }
    }

    @Test func `a pipe is not a terminal`() throws {
        try withPipe { pipe throws in
            #expect(!pipe.input.isTerminal)
            #expect(!pipe.output.isTerminal)
        }
    }
}
