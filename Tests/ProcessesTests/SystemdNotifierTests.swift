import Glibc
import Processes
import TestSupport
import Testing

/// The socket that a service manager listens on.
private struct Manager: ~Copyable {
    private let number: Int32

    /// - Parameter name: a path, or `@` and an abstract name.
    init(_ name: String) throws {
        number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { path in
            for (index, byte) in name.utf8.enumerated() { unsafe path[index] = byte == UInt8(ascii: "@") ? 0 : byte }
        }
        let bound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(number, $0, socklen_t(2 + name.utf8.count))
            }
        }
        try #require(bound == 0)
    }

    deinit { close(number) }

    /// The next notice; nil if there is none.
    func take() -> String? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe recv(number, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

/// A notifier of a program that was started with these variables; for a process that runs nothing else.
private func notifier(_ variables: [String: String]) -> SystemdNotifier {
    for (name, value) in variables { unsafe setenv(name, value, 1) }
    return SystemdNotifier()
}

/// Each test is a process of its own, since the environment is the process's.
@Suite struct SystemdNotifierTests {
    @Test func `a sign of life is due after half of the watchdog's time, if this process is meant`() async {
        await #expect(processExitsWith: .success) {
            let cases: [([String: String], Duration?)] = [
                (["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "3000000"], .seconds(1.5)),
                (["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "2", "WATCHDOG_PID": "\(getpid())"], .microseconds(1)),
                (["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "2", "WATCHDOG_PID": "1"], nil),
                (["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "2", "WATCHDOG_PID": ""], nil),
                (["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "0"], nil),
                (["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "-1"], nil),
                (["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "x"], nil),
                (["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "99999999999999999999"], nil),
                (["NOTIFY_SOCKET": "/x"], nil), (["WATCHDOG_USEC": "3000000"], nil), ([:], nil),
            ]
            for (variables, interval) in cases { #expect(notifier(variables).watchdogInterval == interval) }
        }
    }

    @Test func `the manager's variables are removed, so that no child sees them`() async {
        await #expect(processExitsWith: .success) {
            let names = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]
            _ = notifier(Dictionary(uniqueKeysWithValues: names.map { ($0, "1") }))
            for name in names { #expect(unsafe getenv(name) == nil) }
        }
    }

    @Test func `each state is a datagram to the manager's socket, named by a path or abstract`() async {
        await #expect(processExitsWith: .success) { () throws in
            try withTemporaryDirectory { directory throws in
                for name in ["\(directory)/notify", "@teebridge-test/\(getpid())/notify"] {
                    let manager = try Manager(name)
                    let notifier = notifier(["NOTIFY_SOCKET": name])
                    for (state, text) in [
                        (.ready, "READY=1"), (.stopping, "STOPPING=1"), (.alive, "WATCHDOG=1"),
                        (.starting(within: .seconds(1.5)), "EXTEND_TIMEOUT_USEC=1500000"),
                        (.starting(within: .seconds(-1)), "EXTEND_TIMEOUT_USEC=0"),
                    ] as [(SystemdNotifier.State, String)] {
                        notifier.tell(state)
                        #expect(manager.take() == text)
                        #expect(manager.take() == nil)
                    }
                }
            }
        }
    }

    @Test func `a manager that cannot be reached is no error`() async {
        await #expect(processExitsWith: .success) {
            let names = [
                "/absent/socket", "relative", "@", "/", "", "/" + String(repeating: "x", count: 300), "@absent",
            ]
            for name in names { notifier(["NOTIFY_SOCKET": name]).tell(.ready) }
            notifier([:]).tell(.ready)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a manager that does not listen holds the program up for a second`() async {
        await #expect(processExitsWith: .success) { () throws in
            try withTemporaryDirectory { directory throws in
                let manager = try Manager("\(directory)/notify")
                let notifier = notifier(["NOTIFY_SOCKET": "\(directory)/notify"])
                // As many as the system keeps, and one that it does not take.
                var duration = Duration.zero
                for _ in 0..<10_000 where duration < .seconds(0.9) {
                    duration = ContinuousClock().measure { notifier.tell(.alive) }
                }
                #expect(duration >= .seconds(0.9))
                #expect(manager.take() == "WATCHDOG=1")
            }
        }
    }

    @Test func `a heartbeat tells the manager that all threads are alive, at most twice in an interval`() async {
        await #expect(processExitsWith: .success) { () throws in
            try withTemporaryDirectory { directory throws in
                let manager = try Manager("\(directory)/notify")
                let socket = ["NOTIFY_SOCKET": "\(directory)/notify"]
                let asked = notifier(socket.merging(["WATCHDOG_USEC": "3600000000"]) { $1 })
                let heartbeat = Heartbeat(asked, of: ["a", "b"])
                for thread in ["a", "b", "a"] { heartbeat.beat(thread) }
                #expect(manager.take() == "WATCHDOG=1")
                #expect(manager.take() == nil)
                let unasked = Heartbeat(notifier(socket), of: ["a"])
                unasked.beat("a")
                #expect(manager.take() == nil)
            }
        }
    }
}
