import Glibc

/// A file of lines that only grows, and that this program has for itself as long as it is open.
///
/// A line counts once its end is there: what follows the last newline was cut off in the middle. Whoever opens
/// the file looks at that first, since the file may be another one than was meant, and then removes it.
package struct AppendFile: ~Copyable {
    private let file: OpenFile
    private let lineLimit: Int
    /// What was read last; what of it was not given yet begins at `start`.
    private var bytes: [UInt8] = []
    private var start = 0

    /// Opens the file, or creates it with mode 0600. Nothing in it is changed.
    ///
    /// - Parameter lineLimit: how many bytes each line may have.
    /// - Throws: ``FileError/inUse(path:)`` if another program has it open so.
    package init(_ path: String, lineLimit: Int) throws(FileError) {
        let file = try OpenFile.alone(path, O_APPEND)
        try OpenFile.synchroniseDirectory(of: path)
        self.file = file
        self.lineLimit = lineLimit
    }

    /// The next line that was there when the file was opened, without its newline; nil after the last one.
    ///
    /// - Throws: ``FileError``.
    package mutating func nextLine() throws(FileError) -> [UInt8]? {
        var searched = start
        while true {
            if let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = end + 1 }
                try check(end - start)
                return Array(bytes[start..<end])
            }
            bytes.removeSubrange(..<start)
            (start, searched) = (0, bytes.count)
            try check(bytes.count)
            guard try file.readBlock(into: &bytes) else { return nil }
        }
    }

    /// What follows the last newline, once ``nextLine()`` has given nil.
    package var unfinished: ArraySlice<UInt8> { bytes[start...] }

    /// Removes what follows the last newline; call this before appending.
    ///
    /// - Throws: ``FileError/cannotWrite(path:errno:)``.
    package mutating func removeUnfinished() throws(FileError) {
        guard !unfinished.isEmpty else { return }
        guard ftruncate(file.number, lseek(file.number, 0, SEEK_END) - unfinished.count) == 0 else {
            throw .cannotWrite(path: file.path, errno: errno)
        }
        try file.synchronise()
        (bytes, start) = ([], 0)
    }

    /// Adds lines; they are on the disk when it returns. A fault leaves the file as it was, or with whole lines more.
    ///
    /// - Throws: ``FileError/lineTooLong(path:limit:)`` for what could not be read again.
    package borrowing func append(_ newLines: [String]) throws(FileError) {
        for line in newLines { try check(line.utf8.count) }
        let end = lseek(file.number, 0, SEEK_END)
        do throws(FileError) {
            try file.write(newLines.flatMap { Array($0.utf8) + [UInt8(ascii: "\n")] })
        } catch {
            // Half a line would spoil the next one; what cannot be cut off now is cut when the file is opened again.
            if end >= 0 { _ = ftruncate(file.number, end) }
            throw error
        }
    }

    private borrowing func check(_ byteCount: Int) throws(FileError) {
        guard byteCount <= lineLimit else { throw .lineTooLong(path: file.path, limit: lineLimit) }
    }
}
