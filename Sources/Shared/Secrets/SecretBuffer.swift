import Glibc

/// A secret whose length is not known yet: it grows, and wipes every piece of memory that it leaves.
@safe
package struct SecretBuffer: ~Copyable {
    private var storage: UnsafeMutableBufferPointer<UInt8>
    /// How many bytes it holds.
    package private(set) var count: Int

    /// An empty buffer, or one of `count` zero bytes.
    package init(count: Int = 0) {
        _ = CrashDumps.areOff
        unsafe storage = .allocate(capacity: max(count, 64))
        unsafe storage.initialize(repeating: 0)
        self.count = count
    }

    deinit { unsafe Self.dispose(storage) }

    private static func dispose(_ memory: UnsafeMutableBufferPointer<UInt8>) {
        if let base = memory.baseAddress { unsafe explicit_bzero(base, memory.count) }
        unsafe memory.deallocate()
    }

    /// Adds bytes at the end.
    package mutating func append(_ bytes: Span<UInt8>) {
        if unsafe count + bytes.count > storage.count {
            let larger = UnsafeMutableBufferPointer<UInt8>.allocate(
                capacity: unsafe max(storage.count * 2, count + bytes.count))
            unsafe larger.initialize(repeating: 0)
            for index in 0..<count { unsafe larger[index] = storage[index] }
            unsafe Self.dispose(storage)
            unsafe storage = larger
        }
        for index in bytes.indices { unsafe storage[count + index] = bytes[index] }
        count += bytes.count
    }

    /// Shows the bytes for as long as `body` runs.
    package borrowing func withBytes<Result: ~Copyable>(_ body: (Span<UInt8>) -> Result) -> Result {
        unsafe body(Span(_unsafeElements: UnsafeBufferPointer(rebasing: storage[..<count])))
    }

    /// Lets `body` write to the bytes.
    package mutating func withMutableBytes<Result, Reason: Error>(
        _ body: (inout MutableSpan<UInt8>) throws(Reason) -> Result
    ) throws(Reason) -> Result {
        var span = unsafe MutableSpan(_unsafeElements: UnsafeMutableBufferPointer(rebasing: storage[..<count]))
        return try body(&span)
    }

    /// The bytes as a secret of fixed length.
    package consuming func finish() -> SecretBytes { withBytes { SecretBytes(copying: $0) } }
}
