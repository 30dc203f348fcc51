import Console
package import Failures
package import Files
import Glibc
package import JSON

/// The file in which a program keeps what has become of an inbox's messages, and which it has for itself as long as
/// it runs.
package final class InboxStateFile {
    private let path: String
    private let lock: FileLock
    private let saved: InboxStateDocument?
    private var lastSaved: InboxState?

    /// The most bytes that the file may have: more than the largest state.
    private static let limit = 1 << 20
    /// How long a run that is at work may not have shown it, in seconds.
    private static let stallLimit = 600
    /// How often it is shown at most, in seconds.
    private static let touchInterval = 60

    /// Reads the file. Its lock file, `<path>.lock`, keeps other runs out.
    ///
    /// - Throws: `FileError`, with `FileError.inUse` if another run is at work on it; ``InboxStateError``, with
    ///   ``InboxStateError/stalled(path:since:)`` if another run has it and does not get on.
    package init(_ path: String) throws {
        self.path = path
        do { lock = try FileLock(Self.lockPath(of: path)) } catch FileError.inUse(let path) {
            guard let since = FileLock.lastTouch(path), since < time(nil) - Self.stallLimit else {
                throw FileError.inUse(path: path)
            }
            throw InboxStateError.stalled(path: path, since: since)
        } catch FileError.cannotOpen(_, let errno) { throw FileError.cannotOpen(path: path, errno: errno) }
        saved = try StateFile.read(path, limit: Self.limit).map { bytes -> InboxStateDocument in
            do { return try Self.parse(bytes, path) } catch {
                let object = (try? JSONParser.parse(bytes))?.object
                throw object.flatMap { WrongDocument($0, in: path, awaited: DocumentKind.inboxState.name) } ?? error
            }
        }
    }

    private static func parse(_ bytes: [UInt8], _ path: String) throws(InboxStateError) -> InboxStateDocument {
        let version: JSONValue
        do throws(JSONError) {
            guard let object = try JSONParser.parse(bytes).object else { throw .notAnObject(line: 1) }
            version = try object.required("version")
            if version == InboxStateDocument.version { return try InboxStateDocument(object) }
        } catch { throw .damaged(path: path, reason: error) }
        throw .unknownVersion(path: path, version: version.compact)
    }

    /// Shows other runs that this one is at work, once a minute at most.
    package func touch() {
        if let since = FileLock.lastTouch(Self.lockPath(of: path)), since > time(nil) - Self.touchInterval { return }
        lock.touch()
    }

    private static func lockPath(of path: String) -> String { "\(path).lock" }

    /// The state of an inbox: what was saved, or that of one that was never polled.
    ///
    /// - Throws: ``InboxStateError/foreign(path:saved:expected:)``.
    package func state(of address: InboxAddress) throws(InboxStateError) -> InboxState {
        guard let saved else { return InboxState() }
        guard saved.address == address else {
            throw .foreign(path: path, saved: saved.address, expected: address)
        }
        return saved.state
    }

    /// Keeps the state of an inbox; it is on the disk when this returns. Of a newer head alone nothing is written.
    ///
    /// - Throws: `FileError`.
    package func save(_ state: InboxState, of address: InboxAddress) throws(FileError) {
        if let lastSaved, state.isSame(as: lastSaved) { return }
        let document = InboxStateDocument(state, of: address).json
        try StateFile.replace(path, with: Array(document.compact.utf8) + [UInt8(ascii: "\n")])
        lastSaved = state
        touch()
    }
}

/// Why the state of an inbox cannot be used.
package enum InboxStateError: UserFacingError, Equatable {
    /// What is in the file is no state.
    case damaged(path: String, reason: JSONError)
    /// It was written by another version of this program.
    case unknownVersion(path: String, version: String)
    /// It is that of another inbox.
    case foreign(path: String, saved: InboxAddress, expected: InboxAddress)
    /// Another run has it, and has not polled since so many seconds since 1970.
    case stalled(path: String, since: Int)

    package var kind: ErrorCategory { if case .stalled = self { .serviceFailed } else { .badInput } }

    package var description: String {
        switch self {
        case .damaged(let path, let reason): "the state in \(path.quotedPath) is damaged: \(reason)"
        case .unknownVersion(let path, let version):
            "the state in \(path.quotedPath) has the unknown version \(version.quoted(limit: 20))"
        case .foreign(let path, let saved, let expected):
            "the state in \(path.quotedPath) belongs to another \(Self.difference(saved, expected))"
        case .stalled(let path, let since):
            "the run that holds \(path.quotedPath) has made no progress since \(Self.utc(since))"
        }
    }

    package var hints: [String] {
        switch self {
        case .damaged:
            ["restore it from a backup; without it, every message is delivered again"]
        case .unknownVersion: ["use the version of inbox-watch that wrote it, or a newer one"]
        case .foreign: ["use a separate --state for each inbox"]
        case .stalled: ["find out what it is waiting for, and stop it"]
        }
    }

    private static func difference(_ saved: InboxAddress, _ expected: InboxAddress) -> String {
        if saved.chainId != expected.chainId { return "chain: \(saved.chainId), not \(expected.chainId)" }
        if saved.bridge != expected.bridge { return "bridge: \(saved.bridge), not \(expected.bridge)" }
        return "member: \(saved.member), not \(expected.member)"
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
