import ArgumentParser
import CommandLineTool
import Processes

/// `--exec` and what goes with it: the program that gets the messages.
struct ExecOptions: ParsableArguments {
    @Option(
        name: .customLong("exec"),
        help: ArgumentHelp(
            "Run this program for each message, with the payload on its standard input.", valueName: "command"))
    var command: String?

    @Option(
        name: .customLong("exec-arg"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp("An argument of that program. Repeatable.", valueName: "word"))
    var arguments: [String] = []

    @Option(
        name: .customLong("exec-timeout"),
        help: ArgumentHelp("How long it may take for a message; 60 by default.", valueName: "seconds"),
        transform: TimeoutOption.seconds)
    var timeout: Duration?

    @Flag(help: "Deliver later messages while one waits for its handler, at most 1000; else all wait, in order.")
    var keepGoing = false

    func validate() throws {
        if command == nil, !arguments.isEmpty || timeout != nil || keepGoing {
            throw ValidationError("--exec-arg, --exec-timeout and --keep-going need --exec")
        }
        if timeout == .zero { throw ValidationError("--exec-timeout is more than 0") }
    }

    /// The program; nil if none is named.
    ///
    /// - Throws: `HandlerError` if it cannot be run.
    func handler() throws(HandlerError) -> Handler? {
        guard let command else { return nil }
        return try Handler(command, arguments: arguments, deadline: timeout ?? .seconds(60))
    }
}
