package import Failures
import Glibc
package import JSON

/// Why the state of an inbox cannot be used.
package enum InboxStateError: Failure, Equatable {
    /// What is in the file is no state.
    case damaged(path: String, reason: JSONError)
    /// It was written by another version of this program.
    case unknownVersion(path: String, version: String)
    /// It is that of another inbox.
    case foreign(path: String, saved: InboxAddress, expected: InboxAddress)
    /// Another run has it, and has not looked since so many seconds since 1970.
    case stalled(path: String, since: Int)

    package var kind: FailureKind { if case .stalled = self { .serviceFailed } else { .badInput } }

    package var description: String {
        switch self {
        case .damaged(let path, let reason): "the state in \(path.quotedPath) is damaged: \(reason)"
        case .unknownVersion(let path, let version):
            "the state in \(path.quotedPath) has the unknown version \(version.quoted(limit: 20))"
        case .foreign(let path, let saved, let expected):
            "the state in \(path.quotedPath) is that of another \(Self.difference(saved, expected))"
        case .stalled(let path, let since):
            "the run that has \(path.quotedPath) has not got on since \(Self.utc(since))"
        }
    }

    package var hints: [String] {
        switch self {
        case .damaged:
            ["restore it from a copy; without it, every message since the first is delivered again"]
        case .unknownVersion: ["use the version of inbox-watch that wrote it, or a newer one"]
        case .foreign: ["each inbox needs a --state of its own"]
        case .stalled: ["look what it waits for, and end it"]
        }
    }

    private static func difference(_ saved: InboxAddress, _ expected: InboxAddress) -> String {
        if saved.chainId != expected.chainId { return "chain: of \(saved.chainId), not of \(expected.chainId)" }
        if saved.bridge != expected.bridge { return "bridge: of \(saved.bridge), not of \(expected.bridge)" }
        return "member: of \(saved.member), not of \(expected.member)"
    }

    /// A moment as RFC 3339 has it, as 2026-11-27T22:30:00Z.
    private static func utc(_ seconds: Int) -> String {
        var time = time_t(seconds)
        var parts = unsafe tm()
        unsafe gmtime_r(&time, &parts)
        let fields = unsafe [parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec].map {
            $0 < 10 ? "0\($0)" : "\($0)"
        }
        return unsafe "\(parts.tm_year + 1900)-\(fields[0])-\(fields[1])T\(fields[2]):\(fields[3]):\(fields[4])Z"
    }
}
