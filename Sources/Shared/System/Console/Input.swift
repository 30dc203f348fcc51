import Glibc
package import JSON
import Primitives
import Processes

/// What a program reads: a file that was named, or standard input.
package struct Input: ~Copyable {
    /// The name by which errors call it.
    package let path: String
    /// The open file.
    package let descriptor: Descriptor
    fileprivate let awaited: String
    private let isOwned: Bool

    /// Opens a file; nil and `-` are standard input. If that is a terminal, a hint says what the program expects.
    ///
    /// - Parameter awaited: what the input should hold, for hints and errors: "proofs".
    /// - Throws: ``ConsoleError/cannotOpen(path:errno:)``.
    package init(path: String?, awaited: String, diagnostics: Diagnostics) throws(ConsoleError) {
        self.awaited = awaited
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
            if descriptor.isTerminal { diagnostics.hint("reading \(awaited) from the terminal; Ctrl-D ends it") }
        }
    }

    deinit { if isOwned { _ = close(descriptor.number) } }

    /// The file that was named; nil for standard input.
    package var file: String? { isOwned ? path : nil }

    /// The error for an input of which nothing has come.
    package var emptiness: ConsoleError { isOwned ? .empty(path: path, awaited: awaited) : .nothingCameIn }

    /// Reads a text to its end, without a byte order mark.
    ///
    /// - Throws: ``ConsoleError/tooLong(path:limit:)`` beyond `limit` bytes; ``ConsoleError/utf16(path:)``,
    ///   ``ConsoleError/noBytes(path:)``, ``ConsoleError/nothingCameIn``.
    package borrowing func readText(limit: Int) throws(ConsoleError) -> [UInt8] {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: Self.blockByteCount)
        while true {
            let count = try read(into: &block)
            guard count > 0 else {
                guard !bytes.isEmpty else { throw isOwned ? .noBytes(path: path) : .nothingCameIn }
                return Array(try withoutMark(bytes))
            }
            guard bytes.count + count <= limit else { throw .tooLong(path: path, limit: limit) }
            bytes += block[..<count]
        }
    }

    /// The beginning of a text without a byte order mark.
    ///
    /// - Throws: ``ConsoleError/utf16(path:)``.
    fileprivate borrowing func withoutMark(_ start: [UInt8]) throws(ConsoleError) -> ArraySlice<UInt8> {
        switch TextEncoding(leading: start.span) {
        case .utf8: start[...]
        case .markedUTF8: start.dropFirst(TextEncoding.leadingByteCount)
        case .utf16: throw .utf16(path: path)
        }
    }

    /// Reads the JSON objects of the input, each as soon as it has come: JSON Lines, or one object or array in any
    /// layout.
    ///
    /// All the objects that came together are parsed before the first of them is acted on, so that a fault among
    /// them is found while nothing has been done yet.
    /// - Parameters:
    ///   - limit: how many bytes one object, or the array, may have.
    ///   - parse: turns an object into a document; called for several objects in parallel.
    ///   - body: acts on it.
    /// - Throws: ``ConsoleError``, `JSONError`, ``WrongDocument`` in place of what `parse` throws for an object of another
    ///   kind, and what the closures throw. No object at all is an error: it means that the program before this one in
    ///   the pipeline failed.
    package consuming func forEachObject<Document: Sendable>(
        limit: Int, parse: @escaping @Sendable (JSONObject) throws -> Document, _ body: (Document) throws -> Void
    ) throws {
        let reader = ObjectReader(self, limit: limit, parse: parse)
        while let documents = try reader.read() {
            for document in documents { try body(document) }
        }
    }

    fileprivate static let blockByteCount = 64 * 1024
    /// So many bytes show what an input is that is no JSON.
    fileprivate static let headByteCount = 4096

    fileprivate borrowing func read(into block: inout [UInt8]) throws(ConsoleError) -> Int {
        var span = block.mutableSpan
        return try descriptor.read(into: &span, path: path)
    }
}

/// Reads the JSON objects of an input as they come.
package final class ObjectReader<Document: Sendable> {
    private let input: Input
    private let parse: @Sendable (JSONObject) throws -> Document
    private var stream: JSONStream
    private var block = [UInt8](repeating: 0, count: Input.blockByteCount)
    /// The first bytes, until there are enough to tell how the text is encoded; nil from then on.
    private var start: [UInt8]? = []
    private var isEmpty = true
    /// How the input begins, as long as no object has come.
    private var head: [UInt8] = []
    private var isEnded = false

    /// - Parameters:
    ///   - limit: how many bytes one object, or an array of them, may have.
    ///   - parse: turns an object into a document; called for several objects in parallel.
    package init(_ input: consuming Input, limit: Int, parse: @escaping @Sendable (JSONObject) throws -> Document) {
        self.input = input
        self.parse = parse
        stream = JSONStream(limit: limit)
    }

    /// What is read, to be waited for.
    package var descriptor: Int32 { input.descriptor.number }

    /// Waits for more of the input, and gives the objects that it completes: none, one or several.
    ///
    /// - Returns: nil once the input has ended.
    /// - Throws: as ``Input/forEachObject(limit:parse:_:)``.
    package func read() throws -> [Document]? {
        guard !isEnded else {
            guard !isEmpty else {
                let isBlank = head.allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
                throw isBlank ? input.emptiness : .empty(path: input.path, awaited: input.awaited)
            }
            return nil
        }
        let count = try input.read(into: &block)
        isEnded = count == 0
        var bytes = block[..<count]
        if let start {
            self.start = start + bytes
            guard isEnded || start.count + count >= TextEncoding.leadingByteCount else { return [] }
            bytes = try input.withoutMark(start + bytes)
            self.start = nil
        }
        let values = try self.values(in: bytes)
        let (file, awaited) = (input.file, input.awaited)
        let documents = try values.mapInParallel { [parse] line, value in
            guard let object = value.object else { throw JSONError.notAnObject(line: line) }
            do { return try parse(object) } catch {
                throw WrongDocument(object, in: file, awaited: awaited) ?? error
            }
        }
        isEmpty = isEmpty && documents.isEmpty
        return documents
    }

    /// The JSON values that more bytes complete.
    ///
    /// - Throws: `JSONError`; ``WrongDocument`` for an input that begins as another kind of text does.
    private func values(in bytes: ArraySlice<UInt8>) throws -> [JSONStream.Element] {
        if isEmpty { head += bytes.prefix(max(Input.headByteCount - head.count, 0)) }
        do throws(JSONError) { return try stream.feed(bytes) + (isEnded ? stream.finish() : []) } catch {
            throw (isEmpty ? WrongDocument(text: head, in: input.file, awaited: input.awaited) : nil) ?? error
        }
    }
}
