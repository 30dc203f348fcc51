import Console
import Glibc
package import SecretMemory

/// Files that hold a secret and that nobody but their owner may read.
package enum SecretFile {
    /// The most bytes that such a file may have.
    private static let limit = 4096

    /// What the file holds, at most 4096 bytes.
    ///
    /// - Throws: ``KeyError/tooOpen(path:mode:)`` if its group or others have any right to a regular file;
    ///   ``KeyError/unreadable(source:reason:)``.
    package static func read(_ path: String) throws(KeyError) -> SecretBytes {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .unreadable(source: path, reason: ConsoleError.reason(errno)) }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else {
            throw .unreadable(source: path, reason: ConsoleError.reason(errno))
        }
        let isRegular = status.st_mode & S_IFMT == S_IFREG
        guard !isRegular || status.st_mode & 0o077 == 0 else {
            throw .tooOpen(path: path, mode: status.st_mode & 0o777)
        }
        return try read(Descriptor(number: file), source: path)
    }

    /// - Throws: ``KeyError/unreadable(source:reason:)``.
    static func read(_ descriptor: Descriptor, source: String) throws(KeyError) -> SecretBytes {
        do throws(ConsoleError) { return try descriptor.readSecret(limit: limit, path: source) } catch {
            throw .unreadable(source: source, reason: error.description)
        }
    }
}

extension SecretBytes {
    /// Without the one line end that may stand at the end of a file.
    package consuming func withoutLineEnd() -> SecretBytes {
        withBytes { bytes in
            var end = bytes.count
            if end > 0, bytes[end - 1] == UInt8(ascii: "\n") { end -= 1 }
            if end > 0, end < bytes.count, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
            return SecretBytes(copying: bytes.extracting(0..<end))
        }
    }
}
