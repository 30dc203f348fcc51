import Glibc
import Processes
import SecretMemory
import TestSupport
import Testing

/// Runs a handler whose exit the test waits for.
private func run(
    _ command: String, _ arguments: String..., input: some Sequence<UInt8> = [], seconds: Double = 30,
    terminationGracePeriod: Duration = .seconds(5), wait: (Duration) -> Bool = { _ in pause() }
) throws(HandlerError) {
    try MessageHandler(
        command, arguments: arguments, deadline: .seconds(seconds), terminationGracePeriod: terminationGracePeriod
    )
    .run(input: SecretBytes(copying: Array(input)), variables: ["NAME": "value"], wait: wait)
}

/// Waits a moment; false, since nobody asks this program to end.
private func pause() -> Bool {
    usleep(2000)
    return false
}

private func text(of path: String) -> String? {
    guard let file = unsafe fopen(path, "r") else { return nil }
    defer { unsafe fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = unsafe fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
}

/// The number of a process that a script wrote into a file; nil if it has not.
private func process(in path: String) -> pid_t? {
    text(of: path).flatMap { pid_t($0.split(separator: "\n").first ?? "") }
}

/// The letter of a process's state (proc(5)): "Z" once it has ended and nobody has noticed; nil if there is none.
private func state(of process: pid_t) -> Substring.Element? {
    text(of: "/proc/\(process)/stat")?.split(separator: ")").last?.dropFirst().first
}

@Suite(.timeLimit(.minutes(1)))
struct MessageHandlerTests {
    // MARK: - How it ends

    @Test func `exit status 0 is success`() throws { try run("true") }

    @Test(
        "every other end is a failure",
        arguments: [
            ("exit 1", HandlerError.failed(command: "sh", status: 1)),
            ("exit 255", .failed(command: "sh", status: 255)),
            ("kill -TERM $$", .killed(command: "sh", signal: SIGTERM)),
            ("kill -KILL $$", .killed(command: "sh", signal: SIGKILL)),
        ])
    func failure(script: String, error: HandlerError) {
        #expect(throws: error) { try run("sh", "-c", script) }
    }

    @Test func `a handler is ended at its deadline, and when this program should end`() {
        #expect(throws: HandlerError.timedOut(command: "sleep", limit: .seconds(0.1))) {
            try run("sleep", "100", seconds: 0.1)
        }
        #expect(throws: HandlerError.stopped(command: "sleep")) { try run("sleep", "100") { _ in true } }
    }

    @Test func `a handler that has ended when this program should end has done its work`() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/number"
            try run("sh", "-c", "echo $$ > \(path).new; mv \(path).new \(path)") { _ in
                while process(in: path).flatMap(state) != "Z" { usleep(1000) }
                return true
            }
        }
    }

    @Test func `what ignores SIGTERM is killed after the grace period, with all it has started`() throws {
        try withTemporaryDirectory { directory throws in
            let path = "\(directory)/numbers"
            let script = "trap '' TERM; sleep 100 & echo $! > \(path).new; mv \(path).new \(path); wait"
            var isStarted = false
            #expect(throws: HandlerError.stopped(command: "sh")) {
                try run("sh", "-c", script, terminationGracePeriod: .seconds(0.2)) { _ in
                    while !isStarted {
                        isStarted = unsafe access(path, F_OK) == 0
                        usleep(1000)
                    }
                    return !pause()
                }
            }
            let number = try #require(process(in: path))
            while let state = state(of: number), state != "Z" { usleep(1000) }
        }
    }

    @Test func `what obeys SIGTERM is ended with all it has started, and not waited for`() throws {
        try withTemporaryDirectory { directory throws in
            let path = "\(directory)/number"
            let start = ContinuousClock.now
            #expect(throws: HandlerError.timedOut(command: "sh", limit: .seconds(1))) {
                try run(
                    "sh", "-c", "sleep 100 & echo $! > \(path); wait", seconds: 1, terminationGracePeriod: .seconds(50))
            }
            #expect(ContinuousClock.now - start < .seconds(40))
            let number = try #require(process(in: path))
            #expect(state(of: number) == nil || state(of: number) == "Z")
        }
    }

    @Test func `what a handler leaves in the background is neither waited for nor ended`() throws {
        try withTemporaryDirectory { directory throws in
            try run("sh", "-c", "sleep 100 & echo $! > \(directory)/number")
            let number = try #require(process(in: "\(directory)/number"))
            #expect(state(of: number) != nil && state(of: number) != "Z")
            kill(number, SIGKILL)
        }
    }

    // MARK: - Which program

    @Test(
        "a program that cannot be run is refused before it is needed",
        arguments: [
            ("", HandlerError.notFound(command: "")), ("absent", .notFound(command: "absent")),
            ("/absent/x", .notFound(command: "/absent/x")), ("/", .notExecutable(command: "/", errno: EISDIR)),
            ("/etc/passwd", .notExecutable(command: "/etc/passwd", errno: EACCES)),
            ("true --x", .notFound(command: "true --x")),
        ])
    func unfit(command: String, error: HandlerError) {
        #expect(throws: error) { try MessageHandler(command, arguments: [], deadline: .seconds(1)) }
    }

    @Test func `a script without an interpreter cannot be started`() throws {
        try withTemporaryFile("exit 0\n".utf8, mode: 0o700) { path throws in
            // A process that another test starts may have the file open for writing, until it becomes its program.
            var found = HandlerError.cannotStart(command: path, errno: ETXTBSY)
            while found == .cannotStart(command: path, errno: ETXTBSY) {
                found = try #require(#expect(throws: HandlerError.self) { try run(path) })
            }
            #expect(found == .cannotStart(command: path, errno: ENOEXEC))
        }
    }

    @Test func `a name is looked for in the directories of PATH, and a path is taken as it is`() async {
        await #expect(processExitsWith: .success) { () throws in
            try withTemporaryDirectory { directory throws in
                for (name, mode) in [("first", 0o600), ("second", 0o700)] as [(String, mode_t)] {
                    try #require(unsafe mkdir("\(directory)/\(name)", 0o700) == 0)
                    let file = "\(directory)/\(name)/handler"
                    try #require(unsafe symlink("/bin/true", file + "-link") == 0)
                    let number = unsafe open(file, O_WRONLY | O_CREAT | O_CLOEXEC, mode)
                    try #require(unsafe write(number, "#!/bin/sh\nexit 7\n", 17) == 17)
                    close(number)
                }
                unsafe setenv("PATH", "/absent:\(directory)/first:\(directory)/second", 1)
                #expect(throws: HandlerError.failed(command: "handler", status: 7)) { try run("handler") }
                try run("handler-link")
                unsafe setenv("PATH", "\(directory)/first", 1)
                #expect(throws: HandlerError.notExecutable(command: "handler", errno: EACCES)) { try run("handler") }
                #expect(unsafe chdir("\(directory)/second") == 0)
                #expect(throws: HandlerError.failed(command: "./handler", status: 7)) { try run("./handler") }
                unsafe setenv("PATH", "/absent:", 1)
                #expect(throws: HandlerError.failed(command: "handler", status: 7)) { try run("handler") }
                unsafe unsetenv("PATH")
                try run("true")
            }
        }
    }

    // MARK: - What it gets

    @Test(arguments: [
        [], Array("a secret".utf8), Array(0...255), Array("no line end\n\n\0".utf8),
        [UInt8](repeating: 0xA5, count: 1 << 20),
    ])
    func `the message is its standard input, byte for byte`(message: [UInt8]) throws {
        try withTemporaryFile(message) { path in try run("cmp", "-", path, input: message) }
    }

    @Test(arguments: ["exit 0", "exec 0<&-", "head -c 1 > /dev/null"])
    func `it need not read its input`(script: String) throws {
        try run("sh", "-c", script, input: [UInt8](repeating: 0, count: 1 << 20))
    }

    @Test func `it gets its arguments as they are`() throws {
        try withTemporaryDirectory { directory throws in
            let path = "\(directory)/words"
            try run(
                "sh", "-c", #"printf '<%s>' "$@" > \#(path)"#, "sh", "--once", "a  b", "", "$(id)", "'\"", "-", "--",
                "*")
            #expect(text(of: path) == #"<--once><a  b><><$(id)><'"><-><--><*>"#)
        }
    }

    @Test func `its environment says where it runs and what the message is, and holds no secret`() async {
        await #expect(processExitsWith: .success) { () throws in
            let inherited = [
                "HOME=/", "LANG=C.UTF-8", "LC_ALL=C", "LOGNAME=l", "PATH=/usr/bin:/bin", "SHELL=/bin/sh", "TMPDIR=/tmp",
                "TZ=UTC", "USER=u",
            ]
            let secrets = [
                "PRIVATE_KEY", "TEEBRIDGE_KEY", "ETH_PASSWORD", "API_TOKEN", "DSTACK_SIMULATOR_ENDPOINT", "LC_SECRET",
                "NOTIFY_SOCKET", "WATCHDOG_USEC", "LD_PRELOAD", "BASH_ENV", "ETH_RPC_URL",
            ]
            clearenv()
            for setting in inherited + secrets.map({ $0 + "=" }) { unsafe putenv(strdup(setting)) }
            try withTemporaryDirectory { directory throws in
                try run("dd", "if=/proc/self/environ", "of=\(directory)/environ", "status=none")
                let found = text(of: "\(directory)/environ")?.split(separator: "\0").map(String.init).sorted()
                #expect(found == (inherited + ["NAME=value"]).sorted())
            }
        }
    }

    @Test func `it inherits no descriptor but the standard ones, and leads its group`() throws {
        let script = """
            i=3
            while [ $i -lt 256 ]; do if [ -e /proc/$$/fd/$i ]; then exit $i; fi; i=$((i + 1)); done
            case $(readlink /proc/$$/fd/0) in /memfd:*) ;; *) exit 1 ;; esac
            [ "$(readlink /proc/$$/fd/1)" = "$(readlink /proc/$$/fd/2)" ] || exit 2
            read -r _ _ _ _ group _ < /proc/$$/stat
            [ "$group" = $$ ] || exit 3
            """
        let extra = dup(STDERR_FILENO)
        defer { close(extra) }
        try run("sh", "-c", script)
    }

    @Test func `no signal is ignored or blocked in it`() async {
        await #expect(processExitsWith: .success) { () throws in
            for number in [SIGPIPE, SIGUSR1] { _ = signal(number, SIG_IGN) }
            var blocked = sigset_t()
            unsafe sigemptyset(&blocked)
            unsafe sigaddset(&blocked, SIGUSR2)
            unsafe pthread_sigmask(SIG_BLOCK, &blocked, nil)
            try run("grep", "-q", "^SigBlk:.0*$", "/proc/self/status")
            // Of the signals 32 and 33, which the C library keeps for itself, it gives whatever it has got.
            try run("grep", "-qE", "^SigIgn:.0{7}[01][08]0{7}$", "/proc/self/status")
        }
    }

    @Test func `what it prints goes to standard error`() async throws {
        let result = try await #require(
            processExitsWith: .success, observing: [\.standardErrorContent, \.standardOutputContent]
        ) {
            try run("sh", "-c", "echo on one; echo on two >&2")
        }
        let errors = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(errors.contains("on one\non two\n"))
        #expect(!String(decoding: result.standardOutputContent, as: UTF8.self).contains("on one"))
    }
}
