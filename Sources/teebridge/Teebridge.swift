import ArgumentParser
import CommandLineTool
import Completions
import Console
import Glibc

/// Runs the program that the first word names. That comes before everything else: what is set up for this program's
/// own work, such as ignored signals, a program would inherit.
@main
enum Start {
    /// Becomes the program that is named, or runs this one.
    static func main() {
        do throws(ProgramError) { try runProgram() } catch {
            exit(Teebridge.diagnostics.report(error).rawValue)
        }
        Teebridge.main()
    }

    /// - Throws: ``ProgramError``. Returns if the words are for this program itself.
    private static func runProgram() throws(ProgramError) {
        let words = CommandLine.arguments.dropFirst()
        guard let first = words.first else { return }
        let second = words.dropFirst().first
        switch first {
        case Completion.request:
            // The last word is the one that is being typed.
            let place = second == "help" ? 3 : 2
            guard words.count > place, let program = InstalledProgram.named(words.dropFirst(place - 1).first) else {
                return
            }
            try program.become(arguments: [.text(first)] + ProgramArgument.own(from: place + 1))
        case "help":
            guard let second else { return }
            guard let program = InstalledProgram.named(second) else { throw .unknown(name: second) }
            try program.become(arguments: ProgramArgument.own(from: 3) + [.text("--help")])
        default:
            guard !first.hasPrefix("-") else { return }
            guard let program = InstalledProgram.named(first) else { throw .unknown(name: first) }
            try program.become(arguments: ProgramArgument.own(from: 2))
        }
    }
}

struct Teebridge: CommandLineTool {
    static let configuration = CommandConfiguration(
        commandName: "teebridge",
        abstract: "Run the programs of this package, list them, and check their settings.",
        discussion: """
            PROGRAMS
            \(InstalledProgram.list)

            teebridge PROGRAM runs one as if it were called by its own name, and teebridge help PROGRAM prints its \
            help. Without a word, teebridge lists the programs.

            EXAMPLE
              teebridge doctor
              teebridge proof-extract serial.log | teebridge abi-encode register | teebridge tx-send
            """,
        version: version)

    @Argument(
        help: ArgumentHelp("The program to run, with its arguments behind it; or help.", valueName: "program"),
        completion: .list(InstalledProgram.all.map(\.name) + ["help"]))
    var words: [String] = []

    func run() throws {
        guard words.isEmpty else { throw CleanExit.helpRequest(self) }
        try Descriptor.standardOutput.writeLine(InstalledProgram.list)
    }
}
