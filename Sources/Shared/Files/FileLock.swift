import Glibc

/// A claim of this program on something of which a file gives the name; it ends with the program, however that ends.
package struct FileLock: ~Copyable {
    private let file: OpenFile

    /// - Parameter path: a file beside what is claimed; created if absent, and left there.
    /// - Throws: ``FileError/inUse(path:)`` if another program has it.
    package init(_ path: String) throws(FileError) { file = try OpenFile.alone(path) }
}
