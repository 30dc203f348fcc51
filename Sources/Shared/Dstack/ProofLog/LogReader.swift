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
        /// What comes next is another log: the file was begun anew.
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
    private var file: OpenFile
    private var block = [UInt8](repeating: 0, count: Self.blockByteCount)
    private var count = 0
    private var isReplaced = false

    /// Opens a log; nil is standard input.
    ///
    /// - Throws: ``ProofLogError/unreadable(_:)``.
    package init(path: String?, follow: Follow? = nil) throws(ProofLogError) {
        self.path = path
        self.follow = follow
        file = try OpenFile(path: path, isFollowed: follow != nil)
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
        let glance = ContinuousClock.now + .seconds(1)
        guard let deadline = follow.deadline, deadline < glance else {
            return file.waitForBytes(until: glance) ? nil : .nothingYet
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
