import Glibc

/// A small file that is always whole: each new content takes the place of the old one at once.
package enum StateFile {
    /// The content; nil if there is no such file.
    ///
    /// - Throws: ``FileError/tooLong(path:limit:)`` beyond `limit` bytes, and what the system says.
    package static func read(_ path: String, limit: Int) throws(FileError) -> [UInt8]? {
        do throws(FileError) { return try OpenFile(path, O_RDONLY).readAll(limit: limit) } catch {
            if case .cannotOpen(_, ENOENT) = error { return nil }
            throw error
        }
    }

    /// Replaces the content. Whoever reads the file, and whatever stops this program or its machine, finds the old
    /// content or the new one.
    ///
    /// The new content is written next to the file, under a unique name and with mode 0600.
    ///
    /// - Throws: ``FileError`` if the new content cannot be written, or put in place.
    package static func replace(_ path: String, with bytes: [UInt8]) throws(FileError) {
        let draft = "\(path).\(getpid()).new"
        // A program of the same number that was killed may have left one.
        _ = unsafe unlink(draft)
        do throws(FileError) {
            try OpenFile(draft, O_WRONLY | O_CREAT | O_EXCL).write(bytes)
            guard unsafe rename(draft, path) == 0 else { throw .cannotWrite(path: path, errno: errno) }
        } catch {
            _ = unsafe unlink(draft)
            throw error
        }
        try OpenFile.synchroniseDirectory(of: path)
    }
}
