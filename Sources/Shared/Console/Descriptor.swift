import Glibc
package import Secrets

/// An open file descriptor that somebody else closes: a standard stream, or one that the caller of the program gave.
package struct Descriptor: Sendable {
    /// The number.
    package let number: Int32

    package init(number: Int32) { self.number = number }

    /// Where input comes from.
    package static let standardInput = Descriptor(number: STDIN_FILENO)
    /// Where results go, and nothing else.
    package static let standardOutput = Descriptor(number: STDOUT_FILENO)
    /// Where everything else goes.
    package static let standardError = Descriptor(number: STDERR_FILENO)

    /// Whether a person sits at the other end.
    package var isTerminal: Bool { isatty(number) == 1 }

    /// Writes all the bytes, on a terminal in place of the ``StatusLine``.
    ///
    /// - Throws: ``ConsoleError/outputClosed`` for a closed pipe, ``ConsoleError/cannotWrite(errno:)``.
    package func write(_ bytes: Span<UInt8>) throws(ConsoleError) {
        if StatusLine.isShown, isTerminal { StatusLine.erase() }
        try writeUnder(bytes)
    }

    /// Writes all the bytes, whatever stands on the terminal.
    func writeUnder(_ bytes: Span<UInt8>) throws(ConsoleError) {
        var position = 0
        while position < bytes.count {
            let written = unsafe bytes.withUnsafeBufferPointer { buffer -> Int in
                guard let base = buffer.baseAddress else { return 0 }
                return unsafe Glibc.write(number, base + position, buffer.count - position)
            }
            if written >= 0 {
                position += written
            } else if errno == EPIPE {
                throw .outputClosed
            } else if errno != EINTR {
                throw .cannotWrite(errno: errno)
            }
        }
    }

    /// Writes all the bytes.
    package func write(_ bytes: [UInt8]) throws(ConsoleError) { try write(bytes.span) }

    /// Writes a line and its end in one call, so that lines of several programs do not mix.
    package func writeLine(_ line: String) throws(ConsoleError) { try write(Array(line.utf8) + [UInt8(ascii: "\n")]) }

    /// Reads what is there, at most as much as `buffer` holds; 0 at the end.
    ///
    /// - Parameter path: what the input is called in an error.
    package func read(into buffer: inout MutableSpan<UInt8>, path: String) throws(ConsoleError) -> Int {
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(number, $0.baseAddress, $0.count) }
            if count >= 0 { return count }
            if errno != EINTR { throw .cannotRead(path: path, errno: errno) }
        }
    }

    /// Reads to the end into memory that is wiped.
    ///
    /// - Parameter progress: told again and again how many bytes were read so far.
    /// - Throws: ``ConsoleError/tooLong(path:limit:)`` beyond `limit` bytes.
    package func readSecret(
        limit: Int, path: String, progress: (Int) -> Void = { _ in }
    ) throws(ConsoleError) -> SecretBytes {
        var collected = SecretBuffer()
        var block = SecretBuffer(count: 64 * 1024)
        while true {
            let count = try block.withMutableBytes { span throws(ConsoleError) in try read(into: &span, path: path) }
            guard count > 0 else { return collected.finish() }
            guard collected.count + count <= limit else { throw .tooLong(path: path, limit: limit) }
            block.withBytes { collected.append($0.extracting(0..<count)) }
            progress(collected.count)
        }
    }
}
