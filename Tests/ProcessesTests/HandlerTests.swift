import Glibc
import Processes
import SecretMemory
import Testing

/// Running a handler; what it inherits, and how it is ended, is shown by the programs' tests.
@Suite(.timeLimit(.minutes(1)))
struct HandlerTests {
    private static func run(
        _ command: String, _ arguments: String..., input: String = "", seconds: Double = 20,
        wait: (Duration) -> Bool = { duration in
            usleep(2000)
            return false
        }
    ) throws(HandlerError) {
        try Handler(command, arguments: arguments, deadline: .seconds(seconds))
            .run(input: SecretBytes(copying: Array(input.utf8)), variables: ["NAME": "value"], wait: wait)
    }

    @Test func `status 0 says that it was taken`() throws {
        try Self.run("true")
        try Self.run("sh", "-c", #"[ "$NAME" = value ] && [ "$(cat)" = "a secret" ]"#, input: "a secret")
    }

    @Test(
        "every other end is a failure",
        arguments: [
            ("exit 1", HandlerError.failed(command: "sh", status: 1)),
            ("exit 255", .failed(command: "sh", status: 255)),
            ("kill -TERM $$", .killed(command: "sh", signal: SIGTERM)),
        ])
    func failure(script: String, error: HandlerError) {
        #expect(throws: error) { try Self.run("sh", "-c", script) }
    }

    @Test func `it has its time, and is stopped where that is wanted`() {
        #expect(throws: HandlerError.timedOut(command: "sleep", limit: .seconds(0.1))) {
            try Self.run("sleep", "100", seconds: 0.1)
        }
        #expect(throws: HandlerError.stopped(command: "sleep")) { try Self.run("sleep", "100") { _ in true } }
    }

    @Test(
        "what is no program is known before it is run",
        arguments: [
            ("", HandlerError.notFound(command: "")), ("absent", .notFound(command: "absent")),
            ("/absent/x", .notFound(command: "/absent/x")), ("/", .notExecutable(command: "/", errno: EISDIR)),
            ("/etc/passwd", .notExecutable(command: "/etc/passwd", errno: EACCES)),
        ])
    func unfit(command: String, error: HandlerError) {
        #expect(throws: error) { try Handler(command, arguments: [], deadline: .seconds(1)) }
    }
}
