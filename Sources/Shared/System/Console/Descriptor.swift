import Glibc
package import SecretMemory

/// An open file descriptor that is closed elsewhere: a standard stream, or one that the caller of the program gave.
package struct Descriptor: Sendable {
    /// The number.
    package let number: Int32

    package init(number: Int32) { self.number = number }

    /// Where input comes from.
    package static let standardInput = Descriptor(number: STDIN_FILENO)
    /// For results only.
    package static let standardOutput = Descriptor(number: STDOUT_FILENO)
    /// For everything that is not a result.
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
    ///
    /// - Returns: whether all was written: see ``write(_:while:)``.
    /// - Throws: as ``write(_:while:)``.
    @discardableResult
    func writeUnder(_ bytes: Span<UInt8>, while goesOn: (() -> Bool)? = nil) throws(ConsoleError) -> Bool {
        var position = 0
        while position < bytes.count {
            var count = bytes.count - position
            if let goesOn {
                guard goesOn() else { return false }
                var room = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
                guard unsafe poll(&room, 1, 1000) > 0 else { continue }
                count = min(count, Self.roomByteCount)
            }
            let written = unsafe bytes.withUnsafeBufferPointer { buffer -> Int in
                guard let base = buffer.baseAddress else { return 0 }
                return unsafe Glibc.write(number, base + position, count)
            }
            if written >= 0 {
                position += written
            } else if errno == EPIPE {
                throw .outputClosed
            } else if errno != EINTR {
                throw .cannotWrite(errno: errno)
            }
        }
        return true
    }

    /// How much a pipe takes without a wait that has any room (PIPE_BUF).
    private static let roomByteCount = 4096

    /// Writes all the bytes of a secret as long as the program should go on, also where the reader hangs; makes no copy
    /// of them.
    ///
    /// - Parameter goesOn: whether to go on; asked at least once a second.
    /// - Returns: whether all was written.
    /// - Throws: ``ConsoleError/outputClosed``, ``ConsoleError/cannotWrite(errno:)``.
    package func write(
        _ secret: borrowing SecretBytes, while goesOn: () -> Bool
    ) throws(ConsoleError) -> Bool {
        if StatusLine.isShown, isTerminal { StatusLine.erase() }
        return try withoutActuallyEscaping(goesOn) { goesOn throws(ConsoleError) in
            try secret.withBytes { bytes throws(ConsoleError) in try writeUnder(bytes, while: goesOn) }
        }
    }

    /// Writes all the bytes of a secret, and makes no copy of them.
    ///
    /// - Throws: ``ConsoleError`` if they cannot be written.
    package func write(_ secret: borrowing SecretBytes) throws(ConsoleError) {
        try secret.withBytes { bytes throws(ConsoleError) in try write(bytes) }
    }

    /// Writes all the bytes.
    ///
    /// - Throws: ``ConsoleError`` if they cannot be written.
    package func write(_ bytes: [UInt8]) throws(ConsoleError) { try write(bytes.span) }

    /// Writes a line and its end in one call, so that lines of several programs do not mix.
    ///
    /// - Throws: ``ConsoleError`` if it cannot be written.
    package func writeLine(_ line: String) throws(ConsoleError) { try write(Array(line.utf8) + [UInt8(ascii: "\n")]) }

    /// Reads what is there, at most as much as `buffer` holds; 0 at the end.
    ///
    /// - Parameter path: what the input is called in an error.
    /// - Throws: ``ConsoleError/cannotRead(path:errno:)``.
    package func read(into buffer: inout MutableSpan<UInt8>, path: String) throws(ConsoleError) -> Int {
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(number, $0.baseAddress, $0.count) }
            if count >= 0 { return count }
            if errno != EINTR { throw .cannotRead(path: path, errno: errno) }
        }
    }

    /// Reads to the end into memory that is wiped.
    ///
    /// - Throws: ``ConsoleError/tooLong(path:limit:)`` beyond `limit` bytes; ``ConsoleError/noMemory(path:)``.
    package func readSecret(limit: Int, path: String) throws(ConsoleError) -> SecretBytes {
        var buffer = SecretBuffer()
        try read(into: &buffer, limit: limit, path: path)
        return buffer.finish()
    }

    /// Reads to the end, into a buffer of which a large file takes no more than its size.
    ///
    /// - Parameters:
    ///   - buffer: an empty one.
    ///   - room: the number of zero bytes in front.
    ///   - beforeMoving: called before the bytes move to where there is more room.
    ///   - afterEach: given the buffer whenever bytes were added to it; it may take some away at the end.
    /// - Throws: as ``readSecret(limit:path:)``.
    package func read(
        into buffer: inout SecretBuffer, limit: Int, path: String, room: Int = 0, beforeMoving: () -> Void = {},
        afterEach: (inout SecretBuffer) -> Void = { _ in }
    ) throws(ConsoleError) {
        // One byte more shows that the file has ended.
        try reserve(room + min(remainingByteCount ?? Self.blockByteCount, limit) + 1, in: &buffer, path: path)
        buffer.appendZeros(room)
        var total = 0
        while true {
            if buffer.count == buffer.capacity {
                beforeMoving()
                try reserve(2 * buffer.capacity, in: &buffer, path: path)
            }
            let count = try buffer.append(atMost: Self.pieceByteCount) { span throws(ConsoleError) in
                try read(into: &span, path: path)
            }
            guard count > 0 else { return }
            total += count
            guard total <= limit else { throw .tooLong(path: path, limit: limit) }
            afterEach(&buffer)
        }
    }

    /// How much is read at once: as much as a pipe holds, and of what is larger as much as takes a moment.
    private static let blockByteCount = 64 << 10
    private static let pieceByteCount = 1 << 20

    private func reserve(_ count: Int, in buffer: inout SecretBuffer, path: String) throws(ConsoleError) {
        do throws(SecretError) { try buffer.reserve(count) } catch { throw .noMemory(path: path) }
    }

    /// How many bytes a regular file has from here on; nil for any other file.
    private var remainingByteCount: Int? {
        var status = stat()
        guard unsafe fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return max(0, Int(status.st_size) - max(0, Int(lseek(number, 0, SEEK_CUR))))
    }
}
