import Glibc
package import JSON

/// What a program reads: a file that was named, or standard input.
package struct Input: ~Copyable {
    /// The name by which errors call it.
    package let path: String
    /// The open file.
    package let descriptor: Descriptor
    private let isOwned: Bool

    /// Opens a file; nil and `-` are standard input. When that is a terminal, a hint says what is waited for.
    ///
    /// - Parameter awaited: what the terminal's hint asks for: "a proof".
    /// - Throws: ``ConsoleError/cannotOpen(path:errno:)``.
    package init(path: String?, awaited: String, voice: Voice) throws(ConsoleError) {
        if let path, path != "-" {
            let number = unsafe open(path, O_RDONLY | O_CLOEXEC)
            guard number >= 0 else { throw .cannotOpen(path: path, errno: errno) }
            self.path = path
            descriptor = Descriptor(number: number)
            isOwned = true
        } else {
            self.path = "standard input"
            descriptor = .standardInput
            isOwned = false
            if descriptor.isTerminal { voice.hint("reading \(awaited) from the terminal; Ctrl-D ends it") }
        }
    }

    deinit { if isOwned { _ = close(descriptor.number) } }

    /// Reads to the end.
    ///
    /// - Throws: ``ConsoleError/tooLong(path:limit:)`` beyond `limit` bytes.
    package borrowing func readAll(limit: Int) throws(ConsoleError) -> [UInt8] {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: Self.blockByteCount)
        while true {
            let count = try read(into: &block)
            guard count > 0 else { return bytes }
            guard bytes.count + count <= limit else { throw .tooLong(path: path, limit: limit) }
            bytes += block[..<count]
        }
    }

    /// Hands over the JSON objects of the input, each as soon as it has come: JSON Lines, or one object or array in
    /// any layout.
    ///
    /// - Parameters:
    ///   - limit: how many bytes one object may have.
    /// - Throws: ``ConsoleError``, ``JSONError``, and what `body` throws.
    package borrowing func forEachObject(limit: Int, _ body: (JSONObject) throws -> Void) throws {
        var stream = JSONStream(limit: limit)
        var block = [UInt8](repeating: 0, count: Self.blockByteCount)
        while true {
            let count = try read(into: &block)
            let isLast = count == 0
            for value in try isLast ? stream.finish() : stream.feed(block[..<count]) {
                guard let object = value.value.object else { throw JSONError.notAnObject(line: value.line) }
                try body(object)
            }
            if isLast { return }
        }
    }

    private static let blockByteCount = 64 * 1024

    private borrowing func read(into block: inout [UInt8]) throws(ConsoleError) -> Int {
        var span = block.mutableSpan
        return try descriptor.read(into: &span, path: path)
    }
}
