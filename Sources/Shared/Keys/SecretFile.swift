import Console
import Glibc
import Secrets

/// Files that hold a secret and that nobody but their owner may read.
enum SecretFile {
    /// The most bytes that such a file may have.
    private static let limit = 4096

    /// - Throws: ``KeyError/tooOpen(path:mode:)`` if its group or others have any right to a regular file;
    ///   ``KeyError/unreadable(source:reason:)``.
    static func read(_ path: String) throws(KeyError) -> SecretBytes {
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
