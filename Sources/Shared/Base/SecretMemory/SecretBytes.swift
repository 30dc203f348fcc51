import CProcess
package import Failures
import Glibc
import Primitives

/// Why bytes were not taken as a secret.
package enum SecretError: UserFacingError, Equatable {
    /// Not hex digits in pairs; which of them is a secret too.
    case notHex
    /// The system has no memory left for a secret.
    case noMemory

    package var kind: ErrorCategory { .badInput }

    package var description: String {
        switch self {
        case .notHex: "the secret is not an even number of hex digits"
        case .noMemory: "not enough memory"
        }
    }
}

/// Bytes that nothing else may see: a key, a password, a plaintext.
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

    /// A copy of other bytes, whose owner wipes them.
    package init(copying bytes: Span<UInt8>) {
        self.init(count: bytes.count) { target in
            for index in bytes.indices { target[index] = bytes[index] }
        }
    }

    /// A copy of other bytes, whose owner wipes them.
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

extension SecretBytes {
    /// The bytes in a secret text of hex digits, with an optional 0x before and one optional newline after them.
    ///
    /// No other copy of the digits or the bytes remains.
    /// - Throws: ``SecretError/notHex``.
    package init(hexDigitsOf text: borrowing SecretBytes) throws(SecretError) {
        self = try text.withBytes { characters throws(SecretError) in
            var end = characters.count
            if end > 0, characters[end - 1] == UInt8(ascii: "\n") { end -= 1 }
            if end > 0, characters[end - 1] == UInt8(ascii: "\r") { end -= 1 }
            let isPrefixed = end >= 2 && characters[0] == UInt8(ascii: "0") && characters[1] | 0x20 == UInt8(ascii: "x")
            let digits = characters.extracting((isPrefixed ? 2 : 0)..<end)
            guard digits.count.isMultiple(of: 2) else { throw .notHex }
            return try SecretBytes(count: digits.count / 2) { target throws(SecretError) in
                for index in target.indices {
                    guard let high = Hex.value(of: digits[2 * index]), let low = Hex.value(of: digits[2 * index + 1])
                    else { throw .notHex }
                    target[index] = high << 4 | low
                }
            }
        }
    }
}

/// Keeps secrets out of core dumps and crash reports.
enum CrashDumps {
    /// Turned off once, by whatever holds the first secret of the process: no core is written, no other process of the
    /// user may attach to this one, /proc/PID/mem and environ belong to root, and Swift's own crash reporter, which
    /// prints registers and the memory around them, does not run.
    static let areOff: Bool = {
        for number in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV, SIGTRAP] {
            _ = signal(number, SIG_DFL)
        }
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        // The limit is not asked where cores go to a program (core(5)); that the process cannot be dumped is.
        let isLimited = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none) == 0
        return process_forbid_dumps() == 0 && isLimited
    }()
}
