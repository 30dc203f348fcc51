import FoundationEssentials
package import Glibc

/// Runs `body` with the path of a new directory of mode 0700, then removes it with all it holds. The path is short
/// enough for a socket in it.
@discardableResult
package func withTemporaryDirectory<Result: ~Copyable>(_ body: (String) throws -> Result) throws -> Result {
    let path = "/tmp/teebridge-\(UUID().uuidString.prefix(8))"
    guard unsafe mkdir(path, 0o700) == 0 else { throw CocoaError(.fileWriteUnknown) }
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
}

/// Runs `body` with the path of a new file of these bytes, and removes it.
///
/// - Parameter mode: its permissions, whatever the process's mask is.
@discardableResult
package func withTemporaryFile<Result: ~Copyable>(
    _ bytes: some Sequence<UInt8>, mode: mode_t = 0o600, _ body: (String) throws -> Result
) throws -> Result {
    try withTemporaryDirectory { directory in
        let path = "\(directory)/file"
        try Data(Array(bytes)).write(to: URL(filePath: path))
        unsafe chmod(path, mode)
        return try body(path)
    }
}
