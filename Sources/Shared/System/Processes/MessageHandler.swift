package import Failures
import Glibc
package import SecretMemory

/// A program of the user's that is run once for each thing it should take, gets that on its standard input, and says
/// with exit status 0 that it has taken it.
///
/// No shell takes part. It inherits standard error, which its standard output goes to as well, no other descriptor,
/// no signal setting, and of the environment only what says where and in which language it runs.
package struct MessageHandler: Sendable {
    private let command: String
    private let path: String
    private let arguments: [String]
    private let deadline: Duration
    private let terminationGracePeriod: Duration

    /// What of this program's environment a handler may see.
    private static let inheritedVariables = [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LC_ALL", "LC_COLLATE", "LC_CTYPE",
        "LC_MESSAGES", "LC_MONETARY", "LC_NUMERIC", "LC_TIME",
    ]
    /// How often it is looked whether the processes that a handler has left are gone.
    private static let pollInterval = Duration.milliseconds(50)

    /// - Parameters:
    ///   - command: the path of a program, or a name that is looked for in PATH.
    ///   - arguments: its arguments.
    ///   - deadline: how long it may take.
    ///   - terminationGracePeriod: how long it has to end after SIGTERM.
    /// - Throws: ``HandlerError/notFound(command:)``, ``HandlerError/notExecutable(command:errno:)``.
    package init(
        _ command: String, arguments: [String], deadline: Duration, terminationGracePeriod: Duration = .seconds(5)
    ) throws(HandlerError) {
        self.command = command
        path = try Self.find(command)
        self.arguments = arguments
        self.deadline = deadline
        self.terminationGracePeriod = terminationGracePeriod
    }

    private static func find(_ command: String) throws(HandlerError) -> String {
        let folders = (variable("PATH") ?? "/usr/bin:/bin").split(separator: ":", omittingEmptySubsequences: false)
        let candidates =
            command.contains("/") ? [command] : folders.map { $0.isEmpty ? "./\(command)" : "\($0)/\(command)" }
        var refusal: Int32 = ENOENT
        for path in candidates {
            var status = stat()
            guard unsafe stat(path, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFREG, unsafe access(path, X_OK) == 0 { return path }
            refusal = status.st_mode & S_IFMT == S_IFREG ? errno : EISDIR
        }
        throw refusal == ENOENT || command.isEmpty
            ? .notFound(command: command) : .notExecutable(command: command, errno: refusal)
    }

    private static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// Runs it once, and waits until it ends.
    ///
    /// What does not end in time gets SIGTERM, and SIGKILL after the grace period, with all that it has started.
    /// - Parameters:
    ///   - input: its standard input, byte for byte.
    ///   - variables: additions to its environment.
    ///   - wait: waits for a time, or until a child of this program ends; says whether this program should end.
    /// - Throws: ``HandlerError`` unless it ended with status 0.
    package func run(
        input: borrowing SecretBytes, variables: KeyValuePairs<String, String>, wait: (Duration) -> Bool
    ) throws(HandlerError) {
        let inherited = Self.inheritedVariables.compactMap { name in Self.variable(name).map { "\(name)=\($0)" } }
        let start = ContinuousClock.now
        let child = try ChildProcess(
            command, path: path, arguments: arguments,
            environment: inherited + variables.map { "\($0)=\($1)" }, input: input)
        while true {
            if let ending = child.ending() { return try check(ending) }
            let rest = deadline - (ContinuousClock.now - start)
            guard rest > .zero else {
                stop(child, wait)
                throw .timedOut(command: command, limit: deadline)
            }
            guard wait(rest) else { continue }
            // It may have taken its message just now.
            if let ending = child.ending() { return try check(ending) }
            stop(child, wait)
            throw .stopped(command: command)
        }
    }

    private func check(_ ending: ChildProcess.Ending) throws(HandlerError) {
        switch ending {
        case .exited(0): return
        case .exited(let status): throw .failed(command: command, status: status)
        case .killed(let signal): throw .killed(command: command, signal: signal)
        }
    }

    private func stop(_ child: borrowing ChildProcess, _ wait: (Duration) -> Bool) {
        child.signalGroup(SIGTERM)
        let start = ContinuousClock.now
        var isEnded = false
        while ContinuousClock.now - start < terminationGracePeriod {
            isEnded = isEnded || child.ending() != nil
            if isEnded, !child.hasGroup { return }
            _ = wait(Self.pollInterval)
        }
        child.signalGroup(SIGKILL)
        if !isEnded { child.waitForEnd() }
    }
}

/// Why a handler did not accept its input. `command` is the handler as the user named it.
package enum HandlerError: UserFacingError, Equatable {
    /// There is no such program.
    case notFound(command: String)
    /// There is something of that name, and it cannot be run.
    case notExecutable(command: String, errno: Int32)
    /// It could not be started now.
    case cannotStart(command: String, errno: Int32)
    /// It ended with this status.
    case failed(command: String, status: Int32)
    /// A signal ended it.
    case killed(command: String, signal: Int32)
    /// It did not end in time, and was ended.
    case timedOut(command: String, limit: Duration)
    /// It was ended since this program was asked to end.
    case stopped(command: String)

    package var kind: ErrorCategory {
        switch self {
        case .notFound, .notExecutable: .badInput
        case .cannotStart, .failed, .killed, .timedOut, .stopped: .negativeResult
        }
    }

    package var description: String {
        switch self {
        case .notFound(let command): "program \(command.quoted()) was not found"
        case .notExecutable(let command, let errno): "\(command.quoted()) cannot be run: \(Self.text(errno))"
        case .cannotStart(let command, let errno): "\(command.quoted()) could not be started: \(Self.text(errno))"
        case .failed(let command, let status): "\(command.quoted()) ended with status \(status)"
        case .killed(let command, let signal): "\(command.quoted()) was killed by signal \(signal)"
        case .timedOut(let command, let limit): "\(command.quoted()) did not end within \(limit)"
        case .stopped(let command): "\(command.quoted()) was stopped"
        }
    }

    package var hints: [String] {
        switch self {
        case .notFound(let command):
            [command.tildeHint ?? "name the program alone, and pass each argument with its own --exec-arg"]
        case .notExecutable: ["chmod +x makes a file executable; its first line must name its interpreter"]
        case .cannotStart: ["is there memory left, and may this user start more processes?"]
        case .failed, .killed: ["its output is above; the message is kept, and the next run tries it again"]
        case .timedOut: ["--exec-timeout gives it more time"]
        case .stopped: []
        }
    }

    private static func text(_ errno: Int32) -> String {
        let text = unsafe String(cString: strerror(errno))
        return text.prefix(1).lowercased() + text.dropFirst()
    }
}
