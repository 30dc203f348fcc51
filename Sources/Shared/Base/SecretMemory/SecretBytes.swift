package import Failures
import Glibc

/// Why bytes were not taken as a secret.
package enum SecretError: Failure, Equatable {
    /// Not hex digits in pairs; which of them is a secret too.
    case notHex
    /// The system has no memory left for a secret.
    case noMemory

    package var kind: FailureKind { .badInput }

    package var description: String {
        switch self {
        case .notHex: "the secret is not hex digits in pairs"
        case .noMemory: "there is not enough memory"
        }
    }
}

/// Bytes that nobody else may see: a key, a password, a plaintext.
///
/// It is the only owner of its memory, which it wipes when it ends. It has no description, no copies and no equality:
/// the bytes are seen only inside ``withBytes(_:)``. A process that holds one leaves no core and no crash report.
///
/// `@unchecked Sendable`: nothing writes to the memory between `init` and `deinit`, and there is one owner.
@safe
package struct SecretBytes: ~Copyable, @unchecked Sendable {
    private let storage: UnsafeMutableRawBufferPointer

    /// How many bytes the secret has; the length is no secret.
    package var count: Int { unsafe storage.count }

    /// `count` zero bytes, which `fill` then writes.
    package init<Reason: Error>(
        count: Int, filledBy fill: (inout MutableSpan<UInt8>) throws(Reason) -> Void
    ) throws(Reason) {
        _ = CrashDumps.areOff
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
        unsafe self.storage = memory
        var span = unsafe MutableSpan(_unsafeElements: memory.assumingMemoryBound(to: UInt8.self))
        try fill(&span)
    }

    /// A copy of bytes that stand elsewhere; whoever owns those wipes them.
    package init(copying bytes: Span<UInt8>) {
        self.init(count: bytes.count) { target in
            for index in bytes.indices { target[index] = bytes[index] }
        }
    }

    /// A copy of bytes that stand elsewhere; whoever owns those wipes them.
    package init(copying bytes: [UInt8]) { self.init(copying: bytes.span) }

    deinit {
        if let base = unsafe storage.baseAddress { unsafe explicit_bzero(base, storage.count) }
        unsafe storage.deallocate()
    }

    /// Shows the bytes for as long as `body` runs; it must not keep them.
    package borrowing func withBytes<Result: ~Copyable, Reason: Error>(
        _ body: (Span<UInt8>) throws(Reason) -> Result
    ) throws(Reason) -> Result {
        let span = unsafe Span<UInt8>(_unsafeElements: storage.assumingMemoryBound(to: UInt8.self))
        return try body(span)
    }
}

/// Overwrites bytes that held a secret in an array; the compiler may not leave it out.
package func wipe(_ bytes: inout [UInt8]) {
    unsafe bytes.withUnsafeMutableBytes { buffer in
        if let base = buffer.baseAddress { unsafe explicit_bzero(base, buffer.count) }
    }
}
