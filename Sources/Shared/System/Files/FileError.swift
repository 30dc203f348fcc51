package import Failures
import Glibc

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
        case .cannotOpen, .cannotRead: ["is the path right, and may this user use it?"]
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
