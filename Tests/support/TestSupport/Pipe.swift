import Glibc
import Synchronization
package import Testing

/// The two ends of a pipe.
///
/// Tests share one process: a descriptor that is closed twice may belong to another test by the second time. Each end
/// is closed once, here.
package final class Pipe: Sendable {
    private let readEnd: Atomic<Int32>
    private let writeEnd: Atomic<Int32>

    /// The end to read from; -1 once it is closed.
    package var reader: Int32 { readEnd.load(ordering: .relaxed) }
    /// The end to write to; -1 once it is closed.
    package var writer: Int32 { writeEnd.load(ordering: .relaxed) }

    fileprivate init(sourceLocation: SourceLocation) throws {
        var numbers: [Int32] = [-1, -1]
        try #require(unsafe pipe(&numbers) == 0, sourceLocation: sourceLocation)
        for number in numbers { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
        readEnd = Atomic(numbers[0])
        writeEnd = Atomic(numbers[1])
    }

    /// Closes the end to read from, if it is open.
    package func closeReader() { Self.close(readEnd) }

    /// Closes the end to write to, if it is open: a reader then finds the end of the input.
    package func closeWriter() { Self.close(writeEnd) }

    private static func close(_ end: borrowing Atomic<Int32>) {
        let number = end.exchange(-1, ordering: .relaxed)
        if number >= 0 { Glibc.close(number) }
    }
}

/// Runs `body` with a pipe, then closes the ends that are still open.
@discardableResult
package func withPipe<Result: ~Copyable>(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: (Pipe) throws -> Result
) throws -> Result {
    let pipe = try Pipe(sourceLocation: sourceLocation)
    defer {
        pipe.closeReader()
        pipe.closeWriter()
    }
    return try body(pipe)
}
