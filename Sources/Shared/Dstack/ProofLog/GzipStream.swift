import CZlib

/// Decompresses a log in gzip (RFC 1952) as it comes, one or several members behind each other, in constant memory.
@safe
final class GzipStream {
    /// zlib's functions; nil where it cannot be opened. `nonisolated(unsafe)`: the table never changes.
    nonisolated(unsafe) private static let zlib = unsafe czlib_open()

    private let functions: UnsafePointer<czlib>
    private let stream: UnsafeMutablePointer<czlib_stream>
    private var output = [UInt8](repeating: 0, count: LogReader.blockByteCount)
    /// Whether what comes is no gzip: behind a member, padding may stand.
    private var hasEnded = false

    /// A stream of which nothing has come; nil without zlib.
    init?() {
        guard let functions = unsafe Self.zlib else { return nil }
        unsafe self.functions = functions
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: czlib_stream())
        guard unsafe Int(czlib_begin(functions, stream)) == CZLIB_OK else {
            unsafe stream.deallocate()
            return nil
        }
    }

    deinit {
        _ = unsafe functions.pointee.inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Takes the next bytes, and hands over what they are decompressed.
    ///
    /// - Returns: false if they are damaged.
    func take(_ bytes: Span<UInt8>, _ body: (Span<UInt8>) -> Void) -> Bool {
        unsafe bytes.withUnsafeBufferPointer { input in
            unsafe stream.pointee.next_in = input.baseAddress
            unsafe stream.pointee.avail_in = UInt32(truncatingIfNeeded: input.count)
            while !hasEnded {
                let (count, code) = unsafe inflate()
                if count > 0 { body(output.span.extracting(first: count)) }
                switch code {
                case CZLIB_OK: break
                // There is nothing more to do with what has come.
                case CZLIB_BUF_ERROR: return true
                case CZLIB_STREAM_END:
                    _ = unsafe functions.pointee.inflateReset(stream)
                    if unsafe stream.pointee.avail_in > 0, unsafe stream.pointee.next_in?.pointee != 0x1F {
                        hasEnded = true
                    }
                default: return false
                }
                if unsafe stream.pointee.avail_in == 0, count < output.count { return true }
            }
            return true
        }
    }

    /// Fills the output as far as what has come goes; how many bytes, and zlib's code.
    @unsafe private func inflate() -> (count: Int, code: Int) {
        unsafe output.withUnsafeMutableBufferPointer { buffer in
            unsafe stream.pointee.next_out = buffer.baseAddress
            unsafe stream.pointee.avail_out = UInt32(truncatingIfNeeded: buffer.count)
            let code = unsafe functions.pointee.inflate(stream, 0)
            return unsafe (buffer.count - Int(stream.pointee.avail_out), Int(code))
        }
    }
}
