import ArgumentParser
import CommandLineTool
import Console
import Failures
import Glibc
import Testing

/// A program that takes whatever the test's process was started with, and fails as it was told.
private struct Sample: CommandLineTool {
    static let configuration = CommandConfiguration(commandName: "sample")

    enum Ending: UserFacingError {
        case no, badInput, unreachable, unknown

        var kind: ErrorCategory {
            switch self {
            case .no: .negativeResult
            case .badInput: .badInput
            case .unreachable: .serviceFailed
            case .unknown: .outcomeUnknown
            }
        }

        var description: String { "it ended" }
        var hints: [String] { ["a hint"] }
    }

    nonisolated(unsafe) static var error: (any Error)?

    @Argument(parsing: .captureForPassthrough) var rest: [String] = []

    func run() throws { if let error = unsafe Self.error { throw error } }
}

/// A program that knows no option.
private struct Strict: CommandLineTool {
    static let configuration = CommandConfiguration(commandName: "strict")
}

@Suite(.timeLimit(.minutes(1)))
struct ProgramTests {
    @Test func `an error ends the program with the exit status of its kind`() async {
        await #expect(processExitsWith: .exitCode(0)) { Sample.main() }
        await #expect(processExitsWith: .exitCode(1)) {
            unsafe Sample.error = Sample.Ending.no
            Sample.main()
        }
        await #expect(processExitsWith: .exitCode(2)) {
            unsafe Sample.error = Sample.Ending.badInput
            Sample.main()
        }
        await #expect(processExitsWith: .exitCode(3)) {
            unsafe Sample.error = Sample.Ending.unreachable
            Sample.main()
        }
        await #expect(processExitsWith: .exitCode(4)) {
            unsafe Sample.error = Sample.Ending.unknown
            Sample.main()
        }
    }

    @Test func `an error is reported with its hints`() async throws {
        let result = try await #require(processExitsWith: .exitCode(3), observing: [\.standardErrorContent]) {
            unsafe Sample.error = Sample.Ending.unreachable
            Sample.main()
        }
        let text = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(text.contains("sample: error: it ended\nsample: hint: a hint\n"))
    }

    @Test func `a closed pipe ends the program quietly by SIGPIPE, even if the signal is blocked`() async throws {
        let result = try await #require(processExitsWith: .signal(SIGPIPE), observing: [\.standardErrorContent]) {
            var held = sigset_t()
            unsafe sigfillset(&held)
            unsafe pthread_sigmask(SIG_BLOCK, &held, nil)
            unsafe Sample.error = ConsoleError.outputClosed
            Sample.main()
        }
        #expect(!String(decoding: result.standardErrorContent, as: UTF8.self).contains("sample:"))
    }

    @Test func `a run that has reported everything ends with its status and prints nothing more`() async throws {
        let result = try await #require(processExitsWith: .exitCode(4), observing: [\.standardErrorContent]) {
            unsafe Sample.error = ExitCode(.outcomeUnknown)
            Sample.main()
        }
        #expect(!String(decoding: result.standardErrorContent, as: UTF8.self).contains("sample:"))
    }

    @Test func `a usage error is reported like every other error`() async throws {
        let result = try await #require(processExitsWith: .exitCode(2), observing: [\.standardErrorContent]) {
            // The process's own arguments are the test runner's, which the program does not know.
            Strict.main()
        }
        let lines = String(decoding: result.standardErrorContent, as: UTF8.self).split(separator: "\n")
        let error = try #require(lines.first { $0.hasPrefix("strict: error: ") })
        #expect(error.dropFirst("strict: error: ".count).first?.isLowercase == true || error.contains("error: \""))
        #expect(error.last != ".")
        #expect(lines.contains("strict: hint: strict --help lists the options"))
    }
}

@Suite struct HidingKeysTests {
    private static let key = "95d3c5e483e9b1d4f5fc8e79b2deaf51362980de62dbb082a9a4257eef653d7d"

    @Test(
        "what could be a key is not repeated, not even one that was mistyped or has a letter in front",
        arguments: [
            key, "0x\(key)", "'\(key)'", "--key=\(key)", "-d\(key)", key.uppercased(), "\(key)00",
            String(key.dropLast()), String(key.prefix(48)),
            "a \(key) b 0x\(key).",
        ])
    func hidden(text: String) {
        let shown = "unexpected argument \(text)".hidingKeys
        #expect(shown.hasPrefix("unexpected argument "))
        #expect(shown.contains("…"))
        #expect(!shown.lowercased().contains("c5e483"))
    }

    @Test(
        "other text stays as it is",
        arguments: [
            "", "unexpected argument '0x47e801184B3a8ea8E6A4A7A4CFEfEcC76809Da72'", "a\nb\n", "deadbeef",
            String(repeating: "a", count: 47), "\u{1B}é",
        ])
    func shown(text: String) { #expect(text.hidingKeys == text) }
}
