import Console
package import Dstack
import Glibc
import Processes

/// Finds the last proof of a log from the log's end.
///
/// What a candidate is depends only on the bytes between its marker and the next, so the last candidate that is a proof
/// is the one that ``ProofSearch`` finds as the last.
package struct BackwardSearch {
    /// What came of it.
    package enum Outcome: Equatable {
        /// The newest proof, or that no marker stands in the log.
        case proof(Proof), noMarker
        /// No candidate is a proof, or the files became shorter meanwhile: reading forward tells why.
        case unknown
    }

    /// How much is read at a time.
    package struct Sizes {
        /// What is searched for a marker.
        package var block = 256 * 1024
        /// What one thread searches without a pause.
        package var stretch = 4 * 1024 * 1024
        /// What is searched before the candidates in it are judged.
        package var step = 64 * 1024 * 1024

        package init() {}
    }

    private let log: SeekableLog
    private let sizes: Sizes

    /// A search that has read nothing yet.
    package init(_ log: SeekableLog, sizes: Sizes = Sizes()) {
        self.log = log
        self.sizes = sizes
    }

    /// Searches the log.
    ///
    /// - Parameter progress: told again and again how many bytes were searched so far.
    package func run(progress: (Int) -> Void = { _ in }) -> Outcome {
        do throws(SeekableLog.Unreadable) { return try search(progress: progress) } catch { return .unknown }
    }

    private func search(progress: (Int) -> Void) throws(SeekableLog.Unreadable) -> Outcome {
        var validator = ProofValidator()
        var outcome = Outcome.noMarker
        var end = log.byteCount
        while end > 0 {
            // As much again as was searched: the proof is likely to be near the end.
            let target = max(0, end - max(sizes.block, min(log.byteCount - end, sizes.step)))
            // Blocks that begin where pages do are read faster.
            let start = target - target % sizes.block
            let stretches = Self.pieces(of: start..<end, size: sizes.stretch)
            let marked = try stretches.mapInParallel { stretch throws(SeekableLog.Unreadable) in
                try markedBlocks(in: stretch)
            }
            for block in marked.joined().reversed() {
                switch try search(block, &validator) {
                case .proof(let proof): return .proof(proof)
                case .unknown: outcome = .unknown
                case .noMarker: break
                }
            }
            end = start
            progress(log.byteCount - end)
        }
        return outcome
    }

    /// The blocks in which a marker begins; in their order.
    private func markedBlocks(in stretch: Range<Int>) throws(SeekableLog.Unreadable) -> [Range<Int>] {
        var buffer = [UInt8](repeating: 0, count: min(sizes.block, stretch.count) + Marker.overlap)
        var marked: [Range<Int>] = []
        var line = try openLine(at: stretch.lowerBound)
        for block in Self.pieces(of: stretch, size: sizes.block) {
            let end = min(block.upperBound + Marker.overlap, log.byteCount)
            let count = try log.read(block.lowerBound..<end, into: &buffer)
            let bytes = buffer.span.extracting(first: count)
            let matches = Marker.matches(in: bytes, line)
            line.advance(over: bytes.extracting(first: min(count, block.count)))
            if matches.contains(where: { $0.range.lowerBound < block.count }) { marked.append(block) }
        }
        return marked
    }

    /// Judges the candidates whose markers begin in the block, from the last.
    private func search(_ block: Range<Int>, _ validator: inout ProofValidator) throws(SeekableLog.Unreadable)
        -> Outcome
    {
        let reach = min(Marker.overlap + Candidate.encodedByteLimit, log.byteCount - block.upperBound)
        var buffer = [UInt8](repeating: 0, count: block.count + reach)
        let count = try log.read(block.lowerBound..<(block.upperBound + reach), into: &buffer)
        let bytes = buffer.span.extracting(first: count)
        var outcome = Outcome.noMarker
        var textEnd = bytes.count
        for marker in Marker.matches(in: bytes, try openLine(at: block.lowerBound)).reversed() {
            if marker.range.lowerBound < block.count {
                let text = bytes.extracting(marker.range.upperBound..<max(textEnd, marker.range.upperBound))
                let candidate = Candidate(at: SourceLocation(line: 1, offset: 0), behind: marker)
                if case .proof(let proof, _) = candidate.finding(in: text, &validator) { return .proof(proof) }
                outcome = .unknown
            }
            textEnd = marker.range.upperBound - 1
        }
        return outcome
    }

    /// The line that a place is in, up to there.
    private func openLine(at place: Int) throws(SeekableLog.Unreadable) -> OpenLine {
        for limit in Self.lineLimits {
            let start = max(0, place - limit)
            var buffer = [UInt8](repeating: 0, count: place - start)
            _ = try log.read(start..<place, into: &buffer)
            guard start == 0 || buffer.contains(UInt8(ascii: "\n")) else { continue }
            var line = OpenLine()
            line.advance(over: buffer.span)
            return line
        }
        return .unknown
    }

    /// How far in front of a place the beginning of its line is looked for; most lines are short.
    private static let lineLimits = [4 << 10, 64 << 10, 1 << 20]

    private static func pieces(of range: Range<Int>, size: Int) -> [Range<Int>] {
        stride(from: range.lowerBound, to: range.upperBound, by: size).map { $0..<min($0 + size, range.upperBound) }
    }
}

/// Regular files, in sequence as one log, whose bytes can be read in any order: up to where the files ended
/// when they were opened.
package struct SeekableLog: Sendable {
    /// A file has become shorter, or cannot be read.
    struct Unreadable: Error {}

    /// How many bytes the log has.
    package let byteCount: Int
    private let files: [(file: SeekableFile, range: Range<Int>)]

    /// Opens the files; nil is standard input, from its current position.
    ///
    /// - Returns: nil where one of them is no regular file, cannot be opened, or does not tell its length, as those of
    ///   proc(5) do not.
    package init?(paths: [String?]) {
        var files: [(file: SeekableFile, range: Range<Int>)] = []
        var end = 0
        for path in paths {
            guard let file = SeekableFile(path: path), !file.isCompressed else { return nil }
            let (sum, isTooMuch) = end.addingReportingOverflow(file.byteCount)
            guard !isTooMuch else { return nil }
            files.append((file, end..<sum))
            end = sum
        }
        self.files = files
        byteCount = end
    }

    /// Reads all of a range of the log, as much as the buffer has room for, into the beginning of the buffer.
    ///
    /// - Returns: how many bytes that were.
    /// - Throws: ``Unreadable`` if a file is shorter than it was, or cannot be read.
    func read(_ range: Range<Int>, into buffer: inout [UInt8]) throws(Unreadable) -> Int {
        let end = range.lowerBound + min(range.count, buffer.count)
        var span = buffer.mutableSpan
        var position = range.lowerBound
        for (file, held) in files {
            while held.contains(position), position < end {
                let place = (position - range.lowerBound)..<(min(held.upperBound, end) - range.lowerBound)
                position += try file.read(into: &span, place, from: position - held.lowerBound)
            }
        }
        return end - range.lowerBound
    }

    /// Moves standard input to where it would be after reading the log.
    package func moveToEnd() { for (file, _) in files { file.moveToEnd() } }
}

/// One regular file.
private final class SeekableFile: Sendable {
    /// How many bytes there are to read.
    let byteCount: Int
    private let number: Int32
    private let start: Int
    private let isOwned: Bool

    init?(path: String?) {
        var status = stat()
        if let path {
            // Opening may tell somebody that the log is read: what is no regular file must be opened only once.
            guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
            number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        } else {
            number = Descriptor.standardInput.number
        }
        isOwned = path != nil
        let isKnown = unsafe fstat(number, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        start = isKnown && path == nil ? lseek(number, 0, SEEK_CUR) : 0
        byteCount = isKnown && start >= 0 ? max(0, status.st_size - start) : 0
        guard byteCount > 0 else { return nil }
    }

    deinit { if isOwned, number >= 0 { close(number) } }

    /// Whether the file has to be decompressed, from its beginning on.
    var isCompressed: Bool {
        var head = [UInt8](repeating: 0, count: min(LogCompression.leadingByteCount, byteCount))
        var span = head.mutableSpan
        guard let count = try? read(into: &span, 0..<span.count, from: 0) else { return false }
        return LogCompression(leading: head.span.extracting(first: count)) != nil
    }

    /// Reads some bytes, at least one, into that place of the buffer.
    func read(
        into buffer: inout MutableSpan<UInt8>, _ place: Range<Int>, from offset: Int
    ) throws(SeekableLog.Unreadable) -> Int {
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[place])
                return unsafe pread(number, rest.baseAddress, rest.count, start + offset)
            }
            if count > 0 { return count }
            guard count < 0, errno == EINTR else { throw SeekableLog.Unreadable() }
        }
    }

    func moveToEnd() { if !isOwned { lseek(number, start + byteCount, SEEK_SET) } }
}
