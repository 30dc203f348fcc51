package import Failures
package import JSON

/// Why the state of an inbox cannot be used.
package enum InboxStateError: Failure, Equatable {
    /// What is in the file is no state.
    case damaged(path: String, reason: JSONError)
    /// It was written by another version of this program.
    case unknownVersion(path: String, version: String)
    /// It is that of another inbox.
    case foreign(path: String, saved: InboxAddress, expected: InboxAddress)

    package var kind: FailureKind { .badInput }

    package var description: String {
        switch self {
        case .damaged(let path, let reason): "the state in \(path.quotedPath) is damaged: \(reason)"
        case .unknownVersion(let path, let version):
            "the state in \(path.quotedPath) has the unknown version \(version.quoted(limit: 20))"
        case .foreign(let path, let saved, let expected):
            "the state in \(path.quotedPath) is that of another \(Self.difference(saved, expected))"
        }
    }

    package var hints: [String] {
        switch self {
        case .damaged:
            ["restore it from a copy; without it, every message since the first is delivered again"]
        case .unknownVersion: ["use the version of inbox-watch that wrote it, or a newer one"]
        case .foreign: ["each inbox needs a --state of its own"]
        }
    }

    private static func difference(_ saved: InboxAddress, _ expected: InboxAddress) -> String {
        if saved.chainId != expected.chainId { return "chain: of \(saved.chainId), not of \(expected.chainId)" }
        if saved.bridge != expected.bridge { return "bridge: of \(saved.bridge), not of \(expected.bridge)" }
        return "member: of \(saved.member), not of \(expected.member)"
    }
}
