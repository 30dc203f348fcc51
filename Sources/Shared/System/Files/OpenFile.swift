package import Failures
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

/// Why a file that the program keeps could not be used.
package enum FileError: UserFacingError, Equatable {
    /// It, or its directory, could not be opened or created.
    case cannotOpen(path: String, errno: Int32)
    /// It could not be read.
    case cannotRead(path: String, errno: Int32)
    /// What should be in it is not, or not for sure.
    case cannotWrite(path: String, errno: Int32)
    /// It has more bytes than are read.
    case tooLong(path: String, limit: Int)
    /// It has a line of more bytes than are read.
    case lineTooLong(path: String, limit: Int)
    /// Another program has it.
    case inUse(path: String)
    /// The system does not give the lock; the path is the lock file's, or a socket's with an @ in front.
    case cannotLock(path: String, errno: Int32)

    package var kind: ErrorCategory {
        switch self {
        case .cannotOpen, .cannotRead, .tooLong, .lineTooLong: .badInput
        case .cannotWrite, .inUse, .cannotLock: .serviceFailed
        }
    }

    package var description: String {
        switch self {
        case .cannotOpen(let path, let errno): "cannot open \(path.quotedPath): \(Self.text(errno))"
        case .cannotRead(let path, let errno): "cannot read \(path.quotedPath): \(Self.text(errno))"
        case .cannotWrite(let path, let errno): "cannot write \(path.quotedPath): \(Self.text(errno))"
        case .tooLong(let path, let limit): "\(path.quotedPath) has more than \(limit) bytes"
        case .lineTooLong(let path, let limit): "\(path.quotedPath) has a line of more than \(limit) bytes"
        case .inUse(let path): "\(path.quotedPath) is in use by another program"
        case .cannotLock(let path, let errno): "cannot lock \(path.quotedPath): \(Self.text(errno))"
        }
    }

    package var hints: [String] {
        switch self {
        case .cannotOpen(let path, _), .cannotRead(let path, _):
            [path.tildeHint ?? "is the path right, and may this user use it?"]
        case .cannotWrite: ["is there room on the disk, and may this user write there?"]
        case .tooLong, .lineTooLong: ["is it the right file?"]
        case .cannotLock: ["is there room for one more file and one more descriptor, and may this user use it?"]
        case .inUse: ["wait until the other program ends, or name another file"]
        }
    }

    private static func text(_ errno: Int32) -> String {
        let text = unsafe String(cString: strerror(errno))
        return text.prefix(1).lowercased() + text.dropFirst()
    }
}
