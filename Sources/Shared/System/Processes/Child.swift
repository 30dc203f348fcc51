import CProcess
import Glibc
import SecretMemory

/// A process that this program started, the first of a process group of its own.
struct Child: ~Copyable {
    private let number: pid_t

    /// MFD_CLOEXEC.
    private static let closesOnExec: UInt32 = 1

    /// How a process ended.
    enum Ending {
        case exited(Int32)
        case killed(signal: Int32)
    }

    /// Starts it.
    ///
    /// - Parameter input: what it gets on its standard input. It is a file in memory and no pipe: nobody has to go on
    ///   writing, and it does not matter whether the child reads.
    /// - Throws: ``HandlerError/cannotStart(command:errno:)``.
    init(
        _ command: String, path: String, arguments: [String], environment: [String], input: borrowing SecretBytes
    ) throws(HandlerError) {
        let file = unsafe memfd_create("message", Self.closesOnExec)
        guard file >= 0 else { throw .cannotStart(command: command, errno: errno) }
        defer { close(file) }
        guard Self.fill(file, with: input) else { throw .cannotStart(command: command, errno: errno) }

        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, file, STDIN_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1)

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)

        var number: pid_t = 0
        let code = unsafe Self.withPointers(to: [path] + arguments) { words in
            unsafe Self.withPointers(to: environment) { variables in
                unsafe posix_spawn(&number, path, &actions, &attributes, words, variables)
            }
        }
        guard code == 0 else { throw .cannotStart(command: command, errno: code) }
        self.number = number
    }

    /// How it ended; nil as long as it has not. Said once.
    borrowing func ending() -> Ending? { ending(WNOHANG) }

    /// Waits until it ends, as it does after SIGKILL.
    borrowing func waitForEnd() { _ = ending(0) }

    private borrowing func ending(_ options: Int32) -> Ending? {
        var status: Int32 = 0
        var found: pid_t
        repeat { found = unsafe waitpid(number, &status, options) } while found == -1 && errno == EINTR
        guard found == number else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal)
    }

    /// Whether a process of its group is there.
    var hasGroup: Bool { kill(-number, 0) == 0 }

    /// Sends a signal to it, and to all that it has started.
    borrowing func signalGroup(_ signal: Int32) { kill(-number, signal) }

    /// Writes the bytes to a file, and goes back to its beginning.
    private static func fill(_ file: Int32, with input: borrowing SecretBytes) -> Bool {
        let isWritten = input.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { buffer in
                var position = 0
                while position < buffer.count {
                    let count = unsafe write(
                        file, buffer.baseAddress.map { unsafe $0 + position }, buffer.count - position)
                    guard count >= 0 || errno == EINTR else { return false }
                    position += max(count, 0)
                }
                return true
            }
        }
        return isWritten && lseek(file, 0, SEEK_SET) == 0
    }

    /// The texts as C's array of strings, with its nil at the end.
    private static func withPointers(
        to texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32
    ) -> Int32 {
        var pointers = unsafe texts.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        return unsafe pointers.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return EINVAL }
            return unsafe body(base)
        }
    }
}
