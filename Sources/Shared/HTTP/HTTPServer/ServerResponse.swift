import CProcess
import Glibc
package import JSON
@_spi(CustomByteBufferAllocator) import NIOCore

/// An answer: a JSON document.
package struct ServerResponse: Sendable {
    /// The HTTP status.
    package let status: Int
    /// The document.
    package let body: ResponseBody
    /// Further headers.
    package let headers: [(name: String, value: String)]

    package init(status: Int, body: ResponseBody, headers: [(name: String, value: String)] = []) {
        self.status = status
        self.body = body
        self.headers = headers
    }

    /// 200 with a document, as a line.
    package static func ok(_ json: JSONValue) -> ServerResponse { document(json, status: 200) }

    /// `{"error":"…"}`.
    package static func error(
        _ status: Int, _ sentence: String, headers: [(name: String, value: String)] = []
    ) -> ServerResponse {
        document(.members(["error": .string(sentence)]), status: status, headers: headers)
    }

    /// A document of any status, as a line.
    package static func document(
        _ json: JSONValue, status: Int, headers: [(name: String, value: String)] = []
    ) -> ServerResponse {
        ServerResponse(status: status, body: ResponseBody(Array((json.compact + "\n").utf8)), headers: headers)
    }
}

/// The body of an answer: made once, and sent any number of times without being copied.
///
/// Its memory is wiped when the last answer that has it is out.
package struct ResponseBody: Sendable {
    let buffer: ByteBuffer

    /// How many bytes it has.
    package var count: Int { buffer.readableBytes }

    /// The bytes, for tests and other local uses.
    package var bytes: [UInt8] { Array(buffer.readableBytesView) }

    /// Whether another body is this one, and no copy.
    package func isSame(as other: ResponseBody) -> Bool {
        unsafe buffer.withUnsafeReadableBytes { $0.baseAddress }
            == other.buffer.withUnsafeReadableBytes { $0.baseAddress }
    }

    package init(_ bytes: [UInt8]) { self.init(capacity: bytes.count) { $0.append(bytes.span) } }

    /// Memory that `fill` adds bytes to.
    ///
    /// - Parameter capacity: how many there may be at most.
    package init(capacity: Int, filledBy fill: (inout Writer) -> Void) {
        var writer = Writer(capacity: capacity)
        fill(&writer)
        buffer = writer.finish()
    }

    /// Adds bytes to a body that is being made.
    @safe
    package struct Writer: ~Copyable {
        private let memory: UnsafeMutableRawBufferPointer
        private var count = 0

        fileprivate init(capacity: Int) {
            // NIO takes no memory of no bytes.
            unsafe memory = UnsafeMutableRawBufferPointer(start: malloc(max(capacity, 1)), count: max(capacity, 1))
        }

        /// Adds bytes, for which there must be room.
        package mutating func append(_ bytes: Span<UInt8>) {
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[count..<(count + bytes.count)])
            unsafe bytes.withUnsafeBytes { unsafe room.copyMemory(from: $0) }
            count += bytes.count
        }

        fileprivate consuming func finish() -> ByteBuffer {
            unsafe ByteBuffer(takingOwnershipOf: memory, allocator: Self.wiping, writerIndex: count)
        }

        /// malloc's, but that memory is wiped before it is given back; growing leaves no copy behind.
        private static let wiping = unsafe ByteBufferAllocator(
            allocate: { unsafe malloc($0) },
            reallocate: { memory, count, newCount in
                guard let memory = unsafe memory, let place = unsafe malloc(newCount) else { return nil }
                unsafe place.copyMemory(from: memory, byteCount: min(count, newCount))
                unsafe ResponseBody.wipe(memory)
                return unsafe place
            },
            deallocate: { unsafe ResponseBody.wipe($0) },
            copy: { target, source, count in unsafe target.copyMemory(from: source, byteCount: count) })
    }

    private static func wipe(_ memory: UnsafeMutableRawPointer) {
        unsafe explicit_bzero(memory, malloc_usable_size(memory))
        unsafe free(memory)
    }
}
