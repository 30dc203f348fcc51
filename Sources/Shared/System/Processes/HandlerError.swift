package import Failures
import Glibc

/// Why a handler did not take what it was given. `command` is the handler as the user named it.
package enum HandlerError: Failure, Equatable {
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

    package var kind: FailureKind {
        switch self {
        case .notFound, .notExecutable: .badInput
        case .cannotStart, .failed, .killed, .timedOut, .stopped: .answerIsNo
        }
    }

    package var description: String {
        switch self {
        case .notFound(let command): "there is no program \(command.quoted())"
        case .notExecutable(let command, let errno): "\(command.quoted()) cannot be run: \(Self.text(errno))"
        case .cannotStart(let command, let errno): "\(command.quoted()) could not be started: \(Self.text(errno))"
        case .failed(let command, let status): "\(command.quoted()) ended with status \(status)"
        case .killed(let command, let signal): "\(command.quoted()) was ended by signal \(signal)"
        case .timedOut(let command, let limit): "\(command.quoted()) did not end within \(limit)"
        case .stopped(let command): "\(command.quoted()) was stopped"
        }
    }

    package var hints: [String] {
        switch self {
        case .notFound: ["name a program, without arguments; each argument follows with its own --exec-arg"]
        case .notExecutable: ["chmod +x makes a file executable; its first line must name its interpreter"]
        case .cannotStart: ["is there memory left, and may this user start more processes?"]
        case .failed, .killed: ["what it said stands above; the message stays and is tried again by the next run"]
        case .timedOut: ["--exec-timeout gives it longer"]
        case .stopped: []
        }
    }

    private static func text(_ errno: Int32) -> String {
        let text = unsafe String(cString: strerror(errno))
        return text.prefix(1).lowercased() + text.dropFirst()
    }
}
