import Glibc

/// A claim of this program on something of which a file gives the name; it ends with the program, however that ends.
package struct FileLock: ~Copyable {
    private let file: OpenFile

    /// - Parameter path: a file beside what is claimed; created if absent, and left there.
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
