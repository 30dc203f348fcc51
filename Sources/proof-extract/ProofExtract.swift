import ArgumentParser
import CommandLineTool
import Console
import Dstack
import JSON
import Processes
import ProofLog

@main
struct ProofExtract: Program {
    static let configuration = CommandConfiguration(
        commandName: "proof-extract",
        abstract: "Find the valid proof in a CVM's serial log.",
        discussion: """
            Looks for PROOF_JSON= lines in FILEs, one after another as one log, or on standard input; mends what the \
            console did to them where it can; checks every signature; and prints each proof as one line of JSON. \
            Whether its KMS root is one to trust is not asked here.

            EXAMPLES
              proof-extract serial.log | abi-encode register --bridge 0x… | tx-send
              proof-extract --follow --timeout 600 serial.log
            """,
        version: version)

    @Flag(exclusivity: .exclusive)
    var choice: Choice?

    @Flag(
        name: .shortAndLong,
        help: "Read on as the last FILE grows, until its first valid proof; with --all, print each as it comes.")
    var follow = false

    @Option(
        help: ArgumentHelp("With --follow: give up after so many seconds.", valueName: "seconds"),
        transform: TimeoutOption.seconds)
    var timeout: Duration?

    @Argument(help: ArgumentHelp("Logs in their order. None, or -, is standard input.", valueName: "file"))
    var files: [String] = []

    func validate() throws {
        guard timeout == nil || follow else { throw ValidationError("--timeout needs --follow") }
    }

    func run() throws {
        guard files.count(where: { $0 == "-" }) <= 1 else { throw ConsoleError.inputTwice }
        let paths = files.isEmpty ? [nil] : files.map { $0 == "-" ? nil : $0 }
        if paths.contains(nil), Descriptor.standardInput.isTerminal {
            voice.hint("reading a log from the terminal; Ctrl-D ends it")
        }
        let line = StatusLine()
        let wanted = choice?.wanted ?? (follow ? .first : .last)
        try LogSearch(paths: paths, wanted: wanted, isFollowing: follow, timeout: timeout).run { byteCount in
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

    var wanted: ProofSearch.Wanted {
        switch self {
        case .all: .all
        case .first: .first
        }
    }
}
