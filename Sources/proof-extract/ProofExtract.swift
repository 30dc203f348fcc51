import ArgumentParser
import CommandLineTool
import Console
import Dstack
import JSON
import Processes
import ProofLog

@main
struct ProofExtract: CommandLineTool {
    static let configuration = CommandConfiguration(
        commandName: "proof-extract",
        abstract: "Find the valid proof in a CVM's serial log.",
        discussion: """
            Looks for PROOF_JSON= in the FILEs, read as one log, or on standard input, whatever container the lines \
            come in; repairs damage done by the console where it can; checks every signature; and prints proofs as JSON, one per line. It does not judge \
            whether a proof's KMS root can be trusted.

            EXAMPLES
              proof-extract serial.log | abi-encode register --bridge 0x… | tx-send
              proof-extract --follow --timeout 600 serial.log
            """,
        version: version)

    @Flag(exclusivity: .exclusive)
    var choice: Choice?

    @Flag(
        name: .shortAndLong,
        help:
            "Follow the last FILE as it grows, until its first valid proof; with --all, print each proof as it appears."
    )
    var follow = false

    @Option(
        help: ArgumentHelp("With --follow: give up after this time.", valueName: "time"),
        transform: TimeoutOption.duration(_:))
    var timeout: Duration?

    @Argument(help: ArgumentHelp("Logs in order; no FILE, or -, means standard input.", valueName: "file"))
    var files: [String] = []

    func validate() throws {
        guard timeout == nil || follow else { throw ValidationError("--timeout needs --follow") }
    }

    func run() throws {
        guard files.count(where: { $0 == "-" }) <= 1 else { throw ConsoleError.inputTwice }
        let paths = files.isEmpty ? [nil] : files.map { $0 == "-" ? nil : $0 }
        if paths.contains(nil), Descriptor.standardInput.isTerminal {
            diagnostics.hint("reading a log from the terminal; Ctrl-D ends it")
        }
        let line = StatusLine()
        let selection = choice?.selection ?? (follow ? .first : .last)
        try LogSearch(paths: paths, selection: selection, isFollowing: follow, timeout: timeout).run { byteCount in
            line.show("\(byteCount >> 20) MiB read" + (follow ? ", waiting for a proof" : ""))
        } _: { proofs in
            for line in proofs.mapInParallel({ $0.json.compact }) { try Descriptor.standardOutput.writeLine(line) }
        }
    }
}

/// Which proofs are printed, where it is not the last.
enum Choice: String, EnumerableFlag {
    case all, first

    static func help(for choice: Choice) -> ArgumentHelp? {
        switch choice {
        case .all: "Print every valid proof."
        case .first: "Print the first valid proof and read no further."
        }
    }

    var selection: ProofSearch.Selection {
        switch self {
        case .all: .all
        case .first: .first
        }
    }
}
