import Glibc
package import SecretMemory

/// The terminal that the user sits at, whatever the standard streams are.
package enum Terminal {
    /// The most bytes that a password may have.
    private static let passwordLimit = 1024

    /// Asks for a password without showing it.
    ///
    /// A terminating signal takes effect only after the terminal's echo has been restored.
    /// - Parameter prompt: the prompt, without the colon.
    /// - Throws: ``ConsoleError/noTerminal`` where there is no terminal; ``ConsoleError/tooLong(path:limit:)``.
    package static func readPassword(prompt: String) throws(ConsoleError) -> SecretBytes {
        let number = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard number >= 0 else { throw .noTerminal }
        defer { close(number) }
        let terminal = Descriptor(number: number)

        let signals = HeldSignals()
        defer { signals.release() }
        var shown = termios()
        guard unsafe tcgetattr(number, &shown) == 0 else { throw .noTerminal }
        var hidden = shown
        hidden.c_lflag &= ~tcflag_t(ECHO)
        // TCSAFLUSH: input typed before the prompt was echoed, and is not a password.
        _ = unsafe tcsetattr(number, TCSAFLUSH, &hidden)
        defer { _ = unsafe tcsetattr(number, TCSAFLUSH, &shown) }
        try terminal.write(Array("\(prompt): ".utf8))
        let password = try line(from: terminal, until: signals)
        try terminal.write([UInt8(ascii: "\n")])
        return password
    }

    /// What is typed up to the end of the line, or until a signal comes.
    private static func line(
        from terminal: Descriptor, until signals: HeldSignals
    ) throws(ConsoleError) -> SecretBytes {
        var typed = SecretBuffer()
        do throws(SecretError) { try typed.reserve(passwordLimit + 1) } catch { throw .noMemory(path: "/dev/tty") }
        while true {
            var event = pollfd(fd: terminal.number, events: Int16(POLLIN), revents: 0)
            let ready = unsafe poll(&event, 1, 100)
            guard !signals.arePending else { return typed.finish() }
            guard ready > 0 else { continue }
            let end = typed.count
            let count = try typed.append(atMost: 1) { span throws(ConsoleError) in
                try terminal.read(into: &span, path: "/dev/tty")
            }
            guard count > 0 else { return typed.finish() }
            let isEnd = typed.withBytes { $0[end] == UInt8(ascii: "\n") }
            guard !isEnd else { return typed.withBytes { SecretBytes(copying: $0.extracting(0..<end)) } }
            guard end < passwordLimit else { throw .tooLong(path: "/dev/tty", limit: passwordLimit) }
        }
    }
}

/// The signals that end a program, held back until they are released.
private struct HeldSignals {
    private static let numbers = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
    private let before: sigset_t

    init() {
        var held = sigset_t()
        var before = sigset_t()
        unsafe sigemptyset(&held)
        for number in Self.numbers { unsafe sigaddset(&held, number) }
        unsafe pthread_sigmask(SIG_BLOCK, &held, &before)
        self.before = before
    }

    /// Whether one of them has come.
    var arePending: Bool {
        var pending = sigset_t()
        unsafe sigpending(&pending)
        return Self.numbers.contains { unsafe sigismember(&pending, $0) == 1 }
    }

    /// Lets them through: one that has come takes effect now.
    func release() {
        var mask = before
        unsafe pthread_sigmask(SIG_SETMASK, &mask, nil)
    }
}
