import Console
import Failures
import Glibc

/// A program that `teebridge` runs.
struct InstalledProgram {
    /// What it is called here.
    let name: String
    /// What it is for, in a line of at most 60 characters.
    let summary: String
    /// The name of its file, if it is another.
    private let fileName: String?

    private init(_ name: String, _ summary: String, fileName: String? = nil) {
        (self.name, self.summary, self.fileName) = (name, summary, fileName)
    }

    /// All of them, in the order in which they are used. A further program is a line here.
    static let all = [
        InstalledProgram("proof-fetch", "get proofs over HTTP or from the guest agent"),
        InstalledProgram("proof-extract", "find the proof in a CVM's serial log"),
        InstalledProgram("abi-encode", "make transaction requests, and decode what comes back"),
        InstalledProgram("ecies-seal", "seal a secret to a member's key, or open one"),
        InstalledProgram("tx-send", "sign and send requests, and wait for their outcome"),
        InstalledProgram("inbox-watch", "read a member's inbox and open its messages"),
        InstalledProgram("bridge-agent", "serve a CVM's proof over HTTP, and watch its inbox"),
        InstalledProgram(
            "doctor", "check the settings: node, bridge, key, guest agent, clock", fileName: "teebridge-doctor"),
    ]

    /// The program of a name; nil if there is none.
    static func named(_ name: String?) -> InstalledProgram? { all.first { $0.name == name } }

    /// A line for each program.
    static var list: String {
        let width = all.map(\.name.count).max() ?? 0
        return all.map { "  \($0.name)\(String(repeating: " ", count: width - $0.name.count))  \($0.summary)" }
            .joined(separator: "\n")
    }

    /// Becomes the program: the file beside this program's own, or else the first in PATH. Arguments that are no text
    /// stay as they are.
    ///
    /// - Parameter arguments: what it is started with, behind its name.
    /// - Throws: ``ProgramError``, if it cannot be started; otherwise never returns.
    func become(arguments: [ProgramArgument]) throws(ProgramError) -> Never {
        let file = fileName ?? name
        var words = unsafe ([ProgramArgument.text(file)] + arguments).map { unsafe $0.pointer } + [nil]
        if let folder = Self.ownFolder { unsafe execv("\(folder)/\(file)", &words) }
        unsafe execvp(file, &words)
        throw .notStarted(file: file, errno: errno)
    }

    /// The folder of the file that this program was started from, wherever symbolic links to it are.
    private static var ownFolder: String? {
        guard let path = unsafe realpath("/proc/self/exe", nil) else { return nil }
        defer { unsafe free(path) }
        let text = unsafe String(cString: path)
        return text.lastIndex(of: "/").map { String(text[..<$0]) }
    }
}

/// An argument of a program.
enum ProgramArgument {
    /// A text of this program.
    case text(String)
    /// An argument of this program, counted from its own name.
    case own(Int)

    /// This program's arguments from the given one on.
    static func own(from first: Int) -> [ProgramArgument] {
        (first..<max(first, CommandLine.arguments.count)).map(ProgramArgument.own)
    }

    /// The argument as the system takes it; a text's memory is not freed, since another program takes its place.
    fileprivate var pointer: UnsafeMutablePointer<CChar>? {
        switch self {
        case .text(let text): unsafe strdup(text)
        case .own(let index): unsafe CommandLine.unsafeArgv[index]
        }
    }
}

/// Why a program is not run.
enum ProgramError: UserFacingError, Equatable {
    /// There is none of this name.
    case unknown(name: String)
    /// Its file cannot be started.
    case notStarted(file: String, errno: Int32)

    var kind: ErrorCategory { .badInput }

    var description: String {
        switch self {
        case .unknown(let name): "there is no program \(name.hidingKeys.quoted())"
        case .notStarted(let file, ENOENT): "\(file) is neither beside teebridge nor in PATH"
        case .notStarted(let file, let errno): "\(file) cannot be started: \(ConsoleError.reason(errno))"
        }
    }

    var hints: [String] {
        switch self {
        case .unknown(let name):
            [
                name.nearest(among: InstalledProgram.all.map(\.name)).map { "did you mean \($0)?" }
                    ?? "teebridge lists the programs"
            ]
        case .notStarted: ["install the whole package: its programs belong in one folder"]
        }
    }
}
