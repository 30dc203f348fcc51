import Console
import Failures
import Testing

@Suite(.timeLimit(.minutes(1)))
struct DiagnosticsTests {
    private enum Sample: UserFacingError {
        case no
        var kind: ErrorCategory { .negativeResult }
        var description: String { "it does not hold" }
        var hints: [String] { ["one", "two"] }
    }

    @Test func `lines on standard error begin with the name of the program and the kind of message`() async throws {
        let result = try await #require(
            processExitsWith: .success, observing: [\.standardErrorContent, \.standardOutputContent]
        ) {
            let diagnostics = Diagnostics(program: "prog")
            diagnostics.warning("odd")
            diagnostics.note("so far")
            #expect(diagnostics.report(Sample.no) == .negativeResult)
        }
        let expected = """
            prog: warning: odd
            prog: so far
            prog: error: it does not hold
            prog: hint: one
            prog: hint: two

            """
        #expect(String(decoding: result.standardErrorContent, as: UTF8.self).contains(expected))
        #expect(!String(decoding: result.standardOutputContent, as: UTF8.self).contains("prog: "))
    }

    @Test(
        "each kind of failure has an exit status",
        arguments: [
            (ErrorCategory.negativeResult, 1), (.badInput, 2), (.serviceFailed, 3), (.outcomeUnknown, 4),
        ] as [(ErrorCategory, Int32)])
    func status(kind: ErrorCategory, status: Int32) {
        #expect(ExitStatus(kind).rawValue == status)
        #expect(ExitStatus.done.rawValue == 0)
    }
}
