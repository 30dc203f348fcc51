package import ArgumentParser
import Completions
package import Console
import Failures
import Glibc
import Processes

/// A program of this package: its options and a `run()`.
///
/// ``main()`` is the one place where errors become messages and exit statuses.
package protocol CommandLineTool: ParsableCommand {}

extension CommandLineTool {
    /// How this program speaks on standard error.
    package static var diagnostics: Diagnostics { Diagnostics(program: _commandName) }

    /// How this program speaks on standard error.
    package var diagnostics: Diagnostics { Self.diagnostics }

    /// Parses the command line, runs, and ends the process with the status that fits.
    package static func main() {
        openStandardStreams()
        // A closed pipe must come back from write() as an error, not kill the program half-way: what it does is brought
        // to an end first, and then it ends by that signal.
        _ = signal(SIGPIPE, SIG_IGN)
        // And so must a file that is as long as the user's limit lets it be.
        _ = signal(SIGXFSZ, SIG_IGN)
        // Swift asks /proc for the command line. Going on without it would do what no option forbids.
        guard !CommandLine.arguments.isEmpty else {
            diagnostics.error("the command line cannot be read: /proc is not mounted")
            Glibc.exit(ExitStatus.badInput.rawValue)
        }
        do {
            if CommandLine.arguments.dropFirst().first == Completion.request { return try printCompletion() }
            var command = try parseAsRoot()
            defer { StatusLine.erase() }
            try command.run()
        } catch {
            Glibc.exit(report(error).rawValue)
        }
    }

    /// Prints what the last word of the command line may become, for a shell.
    private static func printCompletion() throws {
        let words = Array(CommandLine.arguments.dropFirst(2))
        let completion = try CommandOutline(dump: _dumpHelp()).completion(of: words) { path, argument in
            // The parser has the function that knows them, and hands on what it returns as an error.
            do { _ = try parseAsRoot(["---completion"] + path + ["--", argument, "0", "0"]) } catch {
                return fullMessage(for: error).split(separator: "\n").map(String.init)
            }
            return []
        }
        for line in completion.lines { try Descriptor.standardOutput.writeLine(line) }
    }

    /// Makes sure that the standard streams are open: a socket that took a closed one's number would get what is
    /// printed. Standard output is then one that cannot be written to, so that nothing is lost in silence.
    private static func openStandardStreams() {
        for number in STDIN_FILENO...STDERR_FILENO where fcntl(number, F_GETFD) == -1 {
            _ = unsafe open("/dev/null", number == STDERR_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Says an error and gives the status that it means.
    private static func report(_ error: any Error) -> ExitStatus {
        switch error {
        case ConsoleError.outputClosed: Signals.end(by: SIGPIPE)
        case let code as ExitCode: if let status = ExitStatus(rawValue: code.rawValue) { return status }
        case let failure as any UserFacingError: return diagnostics.report(failure)
        default: break
        }
        // What is left comes from the parser: help, the version, a completion script, or a faulty command line.
        guard exitCode(for: error) != .success else {
            let script = CompletionScript(
                arguments: CommandLine.arguments.dropFirst(), shell: Environment.value("SHELL"))
            let text = script?.text(for: _commandName) ?? fullMessage(for: error)
            do { try Descriptor.standardOutput.writeLine(text) } catch { return report(error) }
            return .done
        }
        return diagnostics.report(UsageError(error, in: Self.self, words: CommandLine.arguments.dropFirst()))
    }
}

extension ExitCode {
    /// Thrown by a `run()` that has reported everything itself, to end with a status.
    package init(_ status: ExitStatus) { self.init(status.rawValue) }
}

/// A command line that the parser does not understand: in its words, and in this package's form.
struct UsageError: UserFacingError {
    let description: String
    let hints: [String]
    var kind: ErrorCategory { .badInput }

    /// - Parameters:
    ///   - error: what the parser threw.
    ///   - words: the words behind the program's name.
    init(_ error: any Error, in program: any ParsableCommand.Type, words: some Sequence<String>) {
        var command = program
        var path = program._commandName
        var message = program.message(for: error)
        for word in words {
            let commands = command.configuration.subcommands
            guard let next = commands.first(where: { $0._commandName == word }) else {
                // The parser would rather blame an option behind it, which the command that is meant may have.
                if !commands.isEmpty, !word.hasPrefix("-") { message = "unknown command '\(word)'" }
                break
            }
            command = next
            path += " \(word)"
        }
        message = Self.exclusion(in: message) ?? message
        let parts = message.hidingKeys.split(separator: ". Did you mean ")
        let text = parts.first ?? ""
        description = text.prefix(1).lowercased() + text.dropFirst().dropLast(text.hasSuffix(".") ? 1 : 0)
        let isNumber = text.hasPrefix("Unknown option '-") && text.dropFirst(17).first?.isNumber == true
        hints =
            (isNumber
                ? ["put -- in front of words that begin with -, and the options before that"]
                : parts.dropFirst().map { "did you mean \($0)" }) + Self.hints(in: error)
            + ["\(path) --help lists the \(command.configuration.subcommands.isEmpty ? "options" : "commands")"]
    }

    /// What the parser says of two flags of which only one may be given, in this package's words.
    private static func exclusion(in message: String) -> String? {
        guard message.hasPrefix("Value to be set with ") else { return nil }
        let flags = message.split(separator: "'").filter { $0.hasPrefix("-") }.map(String.init)
        guard let first = flags.last, let second = flags.first else { return nil }
        return ExclusiveOptions([first, second]).description
    }

    /// The hints of what an option's reading or a `validate()` threw: the parser's error has it inside, and gives out
    /// no more of it than the description.
    private static func hints(in value: Any) -> [String] {
        if let failure = value as? any UserFacingError { return failure.hints }
        return Mirror(reflecting: value).children.lazy.map { hints(in: $0.value) }.first { !$0.isEmpty } ?? []
    }
}
