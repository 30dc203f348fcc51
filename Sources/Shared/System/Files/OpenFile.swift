import Glibc

/// An open file of the program's own, closed with its last use.
///
/// Files are created with mode 0600, and never inherited by children.
struct OpenFile: ~Copyable {
    /// By what errors call it.
    let path: String
    let number: Int32

    /// Opens a file; one that is created has mode 0600.
    ///
    /// - Parameter flags: those of open(2).
    /// - Throws: ``FileError/cannotOpen(path:errno:)``.
    init(_ path: String, _ flags: Int32) throws(FileError) {
        let number = unsafe open(path, flags | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw .cannotOpen(path: path, errno: errno) }
        self.path = path
        self.number = number
    }

    deinit { close(number) }

    /// Opens a file, created if absent, for this program alone.
    ///
    /// - Throws: ``FileError/inUse(path:)`` if another program has it.
    static func alone(_ path: String, _ flags: Int32 = 0) throws(FileError) -> OpenFile {
        let file = try OpenFile(path, flags | O_RDWR | O_CREAT)
        guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else {
            throw errno == EWOULDBLOCK ? .inUse(path: path) : .cannotOpen(path: path, errno: errno)
        }
        return file
    }

    /// All of its bytes.
    ///
    /// - Parameter limit: the most bytes that it may have.
    /// - Throws: ``FileError`` if it cannot be read, or is longer.
    borrowing func readAll(limit: Int) throws(FileError) -> [UInt8] {
        var bytes: [UInt8] = []
        while try readBlock(into: &bytes) {
            guard bytes.count <= limit else { throw .tooLong(path: path, limit: limit) }
        }
        return bytes
    }

    /// Adds its next bytes, 64 KiB at most, to others.
    ///
    /// - Returns: whether there were any.
    /// - Throws: ``FileError`` if they cannot be read.
    borrowing func readBlock(into bytes: inout [UInt8]) throws(FileError) -> Bool {
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe block.withUnsafeMutableBytes { unsafe read(number, $0.baseAddress, $0.count) }
            if count >= 0 {
                bytes += block[..<count]
                return count > 0
            }
            guard errno == EINTR else { throw .cannotRead(path: path, errno: errno) }
        }
    }

    /// Writes all the bytes, and has them on the disk when it returns.
    ///
    /// - Throws: ``FileError/cannotWrite(path:errno:)``.
    borrowing func write(_ bytes: [UInt8]) throws(FileError) {
        var position = 0
        while position < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(number, buffer.baseAddress.map { unsafe $0 + position }, buffer.count - position)
            }
            guard count >= 0 || errno == EINTR else { throw .cannotWrite(path: path, errno: errno) }
            position += max(count, 0)
        }
        try synchronise()
    }

    /// Has all that was written on the disk when it returns.
    ///
    /// - Throws: ``FileError/cannotWrite(path:errno:)``.
    borrowing func synchronise() throws(FileError) {
        while fsync(number) != 0 {
            guard errno == EINTR else { throw .cannotWrite(path: path, errno: errno) }
        }
    }

    /// Has the names in the directory of a path on the disk.
    ///
    /// - Throws: ``FileError`` if the directory cannot be opened or synchronised.
    static func synchroniseDirectory(of path: String) throws(FileError) {
        let directory = try OpenFile(parent(of: path), O_RDONLY | O_DIRECTORY)
        // Some file systems cannot; they need not either.
        guard fsync(directory.number) == 0 || errno == EINVAL || errno == EROFS else {
            throw .cannotWrite(path: path, errno: errno)
        }
    }

    /// The directory that a path is in.
    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// A claim of this program on something of which a file gives the name; it ends with the program, however that ends.
package struct FileLock: ~Copyable {
    private let file: OpenFile

    /// - Parameter path: the lock file; created if absent, and kept.
    /// - Throws: ``FileError/inUse(path:)`` if another program has it.
    package init(_ path: String) throws(FileError) {
        file = try OpenFile.alone(path)
        touch()
    }

    /// Shows others that the program is at work: see ``lastTouch(_:)``.
    package borrowing func touch() { _ = futimens(file.number, nil) }

    /// When the program that has a lock last showed that it is at work, in seconds since 1970; nil if there is no such
    /// file.
    package static func lastTouch(_ path: String) -> Int? {
        var status = Glibc.stat()
        return unsafe stat(path, &status) == 0 ? status.st_mtim.tv_sec : nil
    }
}
