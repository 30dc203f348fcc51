import Glibc

/// A file of lines that only grows, and that this program has for itself as long as it is open.
///
/// A line counts once its end is there: what stands behind the last line end was cut off in the middle. Whoever opens
/// the file looks at that first, since the file may be another one than was meant, and then removes it.
package struct AppendFile: ~Copyable {
    private let file: OpenFile
    /// The lines that were there, without their ends.
    package let lines: [[UInt8]]
    /// What stood behind the last line end.
    package let unfinished: [UInt8]

    /// Opens the file, or creates it with mode 0600. Nothing in it is changed.
    ///
    /// - Parameter limit: how many bytes it may have.
    /// - Throws: ``FileError/inUse(path:)`` if another program has it open so.
    package init(_ path: String, limit: Int) throws(FileError) {
        let file = try OpenFile.alone(path, O_APPEND)
        let bytes = try file.readAll(limit: limit)
        let lineEnd = UInt8(ascii: "\n")
        let end = bytes.lastIndex(of: lineEnd).map { $0 + 1 } ?? 0
        try OpenFile.synchroniseDirectory(of: path)
        lines = bytes[..<end].split(separator: lineEnd).map(Array.init)
        unfinished = Array(bytes[end...])
        self.file = file
    }

    /// Removes what stood behind the last line end; to be called before anything is added.
    package borrowing func removeUnfinished() throws(FileError) {
        guard !unfinished.isEmpty else { return }
        guard ftruncate(file.number, lseek(file.number, 0, SEEK_END) - unfinished.count) == 0 else {
            throw .cannotWrite(path: file.path, errno: errno)
        }
        try file.synchronise()
    }

    /// Adds lines; they are on the disk when it returns. A fault leaves the file as it was, or with whole lines more.
    package borrowing func append(_ newLines: [String]) throws(FileError) {
        let end = lseek(file.number, 0, SEEK_END)
        do throws(FileError) {
            try file.write(newLines.flatMap { Array($0.utf8) + [UInt8(ascii: "\n")] })
        } catch {
            // Half a line would spoil the next one; what cannot be cut off now is cut when the file is opened again.
            if end >= 0 { _ = ftruncate(file.number, end) }
            throw error
        }
    }
}
