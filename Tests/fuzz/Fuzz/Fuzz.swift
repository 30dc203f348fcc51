import CFuzzer
import Glibc
import SecretMemory

/// Fuzzes one of the readers of what strangers send: `Fuzz TARGET [libFuzzer's options] [folders of inputs]`;
/// without arguments it lists the targets.
@main struct Fuzz {
    static func main() {
        let names = FuzzTarget.all.map(\.name)
        guard CommandLine.arguments.count > 1, let chosen = names.firstIndex(of: CommandLine.arguments[1]) else {
            for name in names { print(name) }
            exit(CommandLine.arguments.count > 1 ? 2 : 0)
        }
        unsafe target = FuzzTarget.all[chosen]
        // The first secret ends crash reports, and with them libFuzzer's, unless it comes before.
        _ = SecretBytes(copying: [])
        memory_watch()

        // libFuzzer must not see the target's name; it gets what stands behind, with the program's own name in front.
        var count = CommandLine.argc - 1
        var arguments = unsafe Optional(CommandLine.unsafeArgv + 1)
        unsafe arguments?[0] = CommandLine.unsafeArgv[0]
        let status = unsafe LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
            unsafe Fuzz.target?.judge(Array(UnsafeBufferPointer(start: bytes, count: count)))
            return 0
        }
        exit(status)
    }

    /// libFuzzer's callback is a C function, which can hold nothing itself; there is one thread.
    nonisolated(unsafe) private static var target: FuzzTarget?
}
