import FoundationEssentials
import Glibc

/// A folder that goes when the test ends.
final class TemporaryFolder {
    private let url = FileManager.default.temporaryDirectory.appending(path: "proof-log-\(UUID())")

    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appending(path: name).path }

    /// Makes a file and gives its path.
    @discardableResult
    func write(_ text: String, to name: String = "serial.log") throws -> String {
        try write(Array(text.utf8), to: name)
    }

    /// Makes a file and gives its path.
    @discardableResult
    func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Data(bytes).write(to: url.appending(path: name))
        return path(name)
    }

    func append(_ text: String, to name: String = "serial.log") throws {
        let handle = unsafe fopen(path(name), "a")
        unsafe fputs(text, handle)
        unsafe fclose(handle)
    }

    func truncate(_ name: String = "serial.log") { _ = unsafe Glibc.truncate(path(name), 0) }

    /// Gives a file another name, as log rotation does.
    func move(_ name: String = "serial.log", to other: String) throws {
        try FileManager.default.moveItem(atPath: path(name), toPath: path(other))
    }
}
