import Console
import Glibc

/// The open file under a ``LogReader``.
struct OpenFile: ~Copyable {
    /// fcntl(2)'s F_SETPIPE_SZ, which Swift's Glibc does not show.
    private static let setPipeSize: Int32 = 1031
    /// How much a pipe may hold that nobody has read: a few blocks.
    private static let pipeByteCount: Int32 = 256 * 1024

    private let descriptor: Descriptor
    private let path: String?
    private let status: stat
    /// How many bytes were read.
    private var position = 0

    /// Opens a file; nil is standard input.
    ///
    /// - Parameter isFollowed: a pipe without a writer must not hold up what has a deadline.
    init(path: String?, isFollowed: Bool) throws(ProofLogError) {
        var status = stat()
        if let path {
            let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (isFollowed ? O_NONBLOCK : 0))
            guard number >= 0 else { throw .unreadable(.cannotOpen(path: path, errno: errno)) }
            descriptor = Descriptor(number: number)
        } else {
            descriptor = .standardInput
        }
        self.path = path
        _ = unsafe fstat(descriptor.number, &status)
        self.status = status
        // Fewer changes between whoever writes and this. Where more is not allowed, it stays as it is.
        if status.st_mode & S_IFMT == S_IFIFO { _ = fcntl(descriptor.number, Self.setPipeSize, Self.pipeByteCount) }
    }

    deinit { if path != nil { _ = close(descriptor.number) } }

    /// Whether this is a regular file, which can grow and shrink.
    var isRegular: Bool { status.st_mode & S_IFMT == S_IFREG }

    /// Reads what is there; 0 at the end, nil if there is nothing yet.
    mutating func read(into block: inout [UInt8]) throws(ProofLogError) -> Int? {
        do throws(ConsoleError) {
            var span = block.mutableSpan
            let count = try descriptor.read(into: &span, path: path ?? "standard input")
            position += count
            return count
        } catch {
            if case .cannotRead(_, EAGAIN) = error { return nil }
            throw .unreadable(error)
        }
    }

    /// Waits until bytes, or the end, can be read; false if the deadline has passed.
    borrowing func waitForBytes(until deadline: ContinuousClock.Instant?) -> Bool {
        var descriptors = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
        while true {
            let left = deadline.map { ($0 - ContinuousClock.now) / .milliseconds(1) }
            // A stream that never pauses must end too.
            if let left, left <= 0, position > 0 { return false }
            let ready = unsafe poll(&descriptors, 1, left.map { Int32(min(max(0, $0.rounded(.up)), 1e9)) } ?? -1)
            if ready > 0 { return true }
            if ready == 0, left.map({ $0 <= 1e9 }) ?? false { return false }
        }
    }

    /// Goes back to the beginning if the file is shorter than what was read of it.
    mutating func rewindIfShrunk() -> Bool {
        var now = stat()
        guard unsafe fstat(descriptor.number, &now) == 0, now.st_size < position else { return false }
        position = 0
        return lseek(descriptor.number, 0, SEEK_SET) == 0
    }

    /// The file that now has the name, if that is another one and can be opened.
    borrowing func replacement(at path: String) -> OpenFile? {
        var now = stat()
        guard unsafe stat(path, &now) == 0, now.st_ino != status.st_ino || now.st_dev != status.st_dev else {
            return nil
        }
        return try? OpenFile(path: path, isFollowed: true)
    }
}
