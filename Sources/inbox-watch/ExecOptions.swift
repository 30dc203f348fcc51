import ArgumentParser
import CommandLineTool
import Processes

/// `--exec` and what goes with it: the program that gets the messages.
struct ExecOptions: ParsableArguments {
    @Option(
        name: .customLong("exec"),
        help: ArgumentHelp(
            "Run this program for each message, with the payload on standard input.", valueName: "command"))
    var command: String?

    @Option(
        name: .customLong("exec-arg"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp("An argument for that program. Repeatable.", valueName: "word"))
    var arguments: [String] = []

    @Option(
        name: .customLong("exec-timeout"),
        help: ArgumentHelp("Time limit for each message; 60 by default.", valueName: "time"),
        transform: TimeoutOption.duration(_:))
    var timeout: Duration?

    @Flag(help: "Deliver later messages while up to 1000 wait to be retried; by default, all wait in order.")
    var keepGoing = false

    func validate() throws {
        if command == nil, !arguments.isEmpty || timeout != nil || keepGoing {
            throw ValidationError("--exec-arg, --exec-timeout and --keep-going need --exec")
        }
        if timeout == .zero { throw ValidationError("--exec-timeout must be more than 0") }
    }

    /// The program; nil if none is named.
    ///
    /// - Throws: `HandlerError` if it cannot be run.
    func handler() throws(HandlerError) -> MessageHandler? {
        guard let command else { return nil }
        return try MessageHandler(command, arguments: arguments, deadline: timeout ?? .seconds(60))
    }
}
