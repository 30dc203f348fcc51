package import Failures
import Glibc

/// Why a stream of the program could not be read or written.
package enum ConsoleError: UserFacingError, Equatable {
    /// Whoever read the output has gone: nothing to say, the program ends by SIGPIPE as filters do.
    case outputClosed
    /// The output could not be written.
    case cannotWrite(errno: Int32)
    /// A file could not be opened.
    case cannotOpen(path: String, errno: Int32)
    /// A file could not be read.
    case cannotRead(path: String, errno: Int32)
    /// The input is longer than the program takes.
    case tooLong(path: String, limit: Int)
    /// The input is longer than the memory that there is.
    case noMemory(path: String)
    /// The text is not UTF-8 but UTF-16.
    case utf16(path: String)
    /// A file holds none of the expected documents.
    case empty(path: String, awaited: String)
    /// A file has no bytes.
    case noBytes(path: String)
    /// Standard input has ended without a byte: the program in front has failed, and has said so.
    case nothingCameIn
    /// Nobody can be asked: there is no terminal.
    case noTerminal
    /// Standard input is named twice.
    case inputTwice

    package var kind: ErrorCategory { .badInput }

    package var description: String {
        switch self {
        case .outputClosed: "the output was closed"
        case .cannotWrite(let code): "cannot write the output: \(Self.reason(code))"
        case .cannotOpen(let path, let code): "cannot open \(path.hidingKeys.quotedPath): \(Self.reason(code))"
        case .cannotRead(let path, let code): "cannot read \(path.quotedPath): \(Self.reason(code))"
        case .tooLong(let path, let limit): "\(path.quotedPath) is longer than \(limit) bytes"
        case .noMemory(let path): "not enough memory for \(path.quotedPath)"
        case .utf16(let path): "\(path.quotedPath) is UTF-16, and UTF-8 is needed"
        case .empty(let path, let awaited): "there are no \(awaited) in \(path.quotedPath)"
        case .noBytes(let path): "\(path.quotedPath) is empty"
        case .nothingCameIn: "nothing came in"
        case .noTerminal: "there is no terminal to prompt for the password"
        case .inputTwice: "standard input can be read only once"
        }
    }

    package var hints: [String] {
        switch self {
        case .outputClosed, .nothingCameIn: []
        case .cannotWrite: ["is there room on the disk, and may this user write there?"]
        case .cannotOpen(let path, _) where path.hidingKeys != path:
            ["expected a file name; if this is a key, it is now in the shell's history: replace it"]
        case .cannotOpen(let path, _), .cannotRead(let path, _):
            [path.tildeHint ?? "is the path right, and may this user read it? - means standard input"]
        case .tooLong, .noBytes: ["is it the right file?"]
        case .noMemory: ["is it the right file, and is memory limited (ulimit -v)?"]
        case .utf16: [Self.utf16Hint]
        case .empty(_, let awaited):
            ["is it the right file, and did the program that prints \(awaited) succeed?"]
        case .noTerminal: ["name the password's file with --password-file"]
        case .inputTwice: ["use a file for one of them"]
        }
    }

    /// What to do about a text in UTF-16.
    package static let utf16Hint = "convert it with: iconv -f UTF-16 -t UTF-8"

    /// The system's words for an error number, in the house's lower case.
    package static func reason(_ code: Int32) -> String {
        let text = unsafe String(cString: strerror(code))
        return text.prefix(1).lowercased() + text.dropFirst()
    }
}
