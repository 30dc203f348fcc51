package import Files
import Glibc
import JSON

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

    /// Reads the file. A lock, which keeps other runs off it, stands beside it as `<path>.lock`.
    ///
    /// - Throws: `FileError`, with `FileError.inUse` if another run is at work on it; ``InboxStateError``, with
    ///   ``InboxStateError/stalled(path:since:)`` if another run has it and does not get on.
    package init(_ path: String) throws {
        self.path = path
        do { lock = try FileLock("\(path).lock") } catch FileError.inUse(let path) {
            guard let since = FileLock.lastTouch(path), since < time(nil) - Self.stallLimit else {
                throw FileError.inUse(path: path)
            }
            throw InboxStateError.stalled(path: path, since: since)
        }
        saved = try StateFile.read(path, limit: Self.limit).map { bytes in try Self.parse(bytes, path) }
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

    /// Shows other runs that this one is at work.
    package func touch() { lock.touch() }

    /// The state of an inbox: what was saved, or that of one that was never looked at.
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
