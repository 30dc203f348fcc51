import Glibc
package import Secrets

/// The terminal that the user sits at, whatever the standard streams are.
package enum Terminal {
    /// The most bytes that a password may have.
    private static let passwordLimit = 1024

    /// Asks for a password without showing it.
    ///
    /// - Parameter prompt: what is asked, without the colon.
    /// - Throws: ``ConsoleError/noTerminal`` where nobody can be asked; ``ConsoleError/tooLong(path:limit:)``.
    package static func readPassword(prompt: String) throws(ConsoleError) -> SecretBytes {
        let number = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard number >= 0 else { throw .noTerminal }
        defer { close(number) }
        let terminal = Descriptor(number: number)

        var shown = termios()
        guard unsafe tcgetattr(number, &shown) == 0 else { throw .noTerminal }
        var hidden = shown
        hidden.c_lflag &= ~tcflag_t(ECHO)
        // TCSAFLUSH: what was typed ahead was shown, and is no password.
        _ = unsafe tcsetattr(number, TCSAFLUSH, &hidden)
        defer { _ = unsafe tcsetattr(number, TCSAFLUSH, &shown) }
        try terminal.write(Array("\(prompt): ".utf8))
        let password = try line(from: terminal)
        try terminal.write([UInt8(ascii: "\n")])
        return password
    }

    private static func line(from terminal: Descriptor) throws(ConsoleError) -> SecretBytes {
        var collected = SecretBuffer()
        var byte = SecretBuffer(count: 1)
        while true {
            let count = try byte.withMutableBytes { span throws(ConsoleError) in
                try terminal.read(into: &span, path: "/dev/tty")
            }
            guard count > 0, byte.withBytes({ $0[0] }) != UInt8(ascii: "\n") else { return collected.finish() }
            guard collected.count < passwordLimit else { throw .tooLong(path: "/dev/tty", limit: passwordLimit) }
            byte.withBytes { collected.append($0) }
        }
    }
}
