import Console
import Glibc

/// Reads a log in blocks of bounded size: to its end, or on as it grows.
///
/// A regular file that is followed is read on when it has grown, anew when it has shrunk or when another file has taken
/// its name, as log rotation does. A pipe or a device ends when it ends.
package struct LogReader: ~Copyable {
    /// How a log is followed.
    package struct Follow: Sendable {
        /// When to give up; nil is never.
        package let deadline: ContinuousClock.Instant?
        /// How often a regular file is looked at.
        package let interval: Duration

        package init(until deadline: ContinuousClock.Instant?, interval: Duration = .milliseconds(150)) {
            self.deadline = deadline
            self.interval = interval
        }
    }

    /// What a reading step came to.
    package enum Step: Equatable {
        /// More bytes are in the block.
        case bytes
        /// The log that is followed has not grown for a while.
        case nothingYet
        /// What follows is another log: the file was replaced or truncated.
        case begunAnew
        /// There is no more.
        case ended
        /// The deadline has passed.
        case timedOut
    }

    /// How many bytes one step reads at most.
    package static let blockByteCount = 128 * 1024

    private let path: String?
    private let follow: Follow?
    private var file: LogFile
    private var block = [UInt8](repeating: 0, count: Self.blockByteCount)
    private var count = 0
    private var isReplaced = false

    /// Opens a log; nil is standard input.
    ///
    /// - Throws: ``ProofLogError/unreadable(_:)``.
    package init(path: String?, follow: Follow? = nil) throws(ProofLogError) {
        self.path = path
        self.follow = follow
        file = try LogFile(path: path, isFollowed: follow != nil)
    }

    /// Shows the block of the last step.
    package borrowing func withBytes<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        body(block.span.extracting(0..<count))
    }

    /// Reads on; waits for more where the log is followed, for a second at most.
    ///
    /// - Throws: ``ProofLogError/unreadable(_:)``.
    package mutating func next() throws(ProofLogError) -> Step {
        while true {
            if let follow, !file.isRegular, let step = awaitBytes(follow) { return step }
            guard let count = try file.read(into: &block) else {
                _ = file.waitForBytes(until: follow?.deadline)
                continue
            }
            self.count = count
            if count > 0 { return .bytes }
            guard let follow, file.isRegular else { return .ended }
            if file.rewindIfShrunk() { return .begunAnew }
            if let path, let other = file.replacement(at: path) {
                // Between the last reading and the replacement the old file may have grown.
                guard isReplaced else {
                    isReplaced = true
                    continue
                }
                isReplaced = false
                file = other
                return .begunAnew
            }
            return pause(follow) ? .nothingYet : .timedOut
        }
    }

    /// Waits for a stream; nil once bytes, or the end, can be read.
    private borrowing func awaitBytes(_ follow: Follow) -> Step? {
        let pollEnd = ContinuousClock.now + .seconds(1)
        guard let deadline = follow.deadline, deadline < pollEnd else {
            return file.waitForBytes(until: pollEnd) ? nil : .nothingYet
        }
        return file.waitForBytes(until: deadline) ? nil : .timedOut
    }

    /// Waits for the file to grow; false if the deadline has passed.
    private borrowing func pause(_ follow: Follow) -> Bool {
        let left = follow.deadline.map { $0 - ContinuousClock.now } ?? follow.interval
        guard left > .zero else { return false }
        let wait = min(left, follow.interval).components
        var time = timespec(tv_sec: Int(wait.seconds), tv_nsec: Int(wait.attoseconds / 1_000_000_000))
        _ = unsafe nanosleep(&time, nil)
        return true
    }
}

/// The open file under a ``LogReader``.
struct LogFile: ~Copyable {
    /// fcntl(2)'s F_SETPIPE_SZ, which Swift's Glibc does not show.
    private static let setPipeSize: Int32 = 1031
    /// How much unread data a pipe may hold: a few blocks.
    private static let pipeByteCount: Int32 = 256 * 1024

    private let descriptor: Descriptor
    private let path: String?
    private let status: stat
    /// How many bytes were read.
    private var position = 0

    /// Opens a file; nil is standard input.
    ///
    /// - Parameter isFollowed: a pipe without a writer must not hold up what has a deadline.
    /// - Throws: ``ProofLogError`` if the file cannot be opened.
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

    /// Reads the available bytes; 0 at the end, nil if there are none yet.
    ///
    /// - Throws: ``ProofLogError`` if the file cannot be read.
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
    borrowing func replacement(at path: String) -> LogFile? {
        var now = stat()
        guard unsafe stat(path, &now) == 0, now.st_ino != status.st_ino || now.st_dev != status.st_dev else {
            return nil
        }
        return try? LogFile(path: path, isFollowed: true)
    }
}
