import Glibc
import Processes
import Testing

/// What is taken from the environment; what is told is shown by the programs' tests.
@Suite(.serialized)
struct ServiceNoticeTests {
    private static func notice(_ variables: [String: String]) -> ServiceNotice {
        for (name, value) in variables { unsafe setenv(name, value, 1) }
        return ServiceNotice()
    }

    @Test(
        "a sign of life is due after half of the time",
        arguments: [
            (["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "3000000"], Duration.seconds(1.5)),
            (["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "2", "WATCHDOG_PID": "\(getpid())"], .microseconds(1)),
            (["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "2", "WATCHDOG_PID": "1"], nil),
            (["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "0"], nil),
            (["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "-1"], nil),
            (["NOTIFY_SOCKET": "/x"], nil), (["WATCHDOG_USEC": "3000000"], nil), ([:], nil),
        ])
    func interval(variables: [String: String], expected: Duration?) {
        #expect(Self.notice(variables).watchdogInterval == expected)
    }

    @Test func `no child hears of the manager`() {
        _ = Self.notice(["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "2", "WATCHDOG_PID": "1"])
        for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { #expect(unsafe getenv(name) == nil) }
    }
}
