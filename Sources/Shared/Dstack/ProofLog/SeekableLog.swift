import Console
import Glibc

/// Regular files, one behind another as one log, whose bytes can be read in any order: up to where the files ended
/// when they were opened.
package struct SeekableLog: Sendable {
    /// A file has become shorter, or cannot be read.
    struct Unreadable: Error {}

    /// How many bytes the log has.
    package let byteCount: Int
    private let files: [(file: SeekableFile, range: Range<Int>)]

    /// Opens the files; nil is standard input, from where it stands.
    ///
    /// - Returns: nil where one of them is no regular file, cannot be opened, or does not tell its length, as those of
    ///   proc(5) do not.
    package init?(paths: [String?]) {
        var files: [(file: SeekableFile, range: Range<Int>)] = []
        var end = 0
        for path in paths {
            guard let file = SeekableFile(path: path) else { return nil }
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

    /// Lets standard input stand where it would after reading the log.
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
