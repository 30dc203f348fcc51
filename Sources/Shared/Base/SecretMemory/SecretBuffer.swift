import CProcess
import Glibc

/// A secret whose length is not known yet, or that is large: pages of memory that grow, and are wiped at the end.
///
/// When it grows its pages move, so that no copy is left where they were.
@safe
package struct SecretBuffer: ~Copyable {
    private var pages = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    /// How many bytes it holds.
    package private(set) var count = 0
    /// Whether the bytes are wiped at the end: no longer once they were encrypted where they stand.
    package var isSecret = true

    /// An empty buffer, which has no memory yet.
    package init() { _ = CrashDumps.areOff }

    deinit {
        guard let base = unsafe pages.baseAddress else { return }
        if isSecret { unsafe explicit_bzero(base, count) }
        unsafe munmap(base, pages.count)
    }

    /// The size from which large pages are requested, which take a tenth of the time to obtain.
    private static let hugePageByteCount = 2 << 20

    /// Makes room for this many bytes in total.
    ///
    /// - Throws: ``SecretError/noMemory``.
    package mutating func reserve(_ byteCount: Int) throws(SecretError) {
        guard byteCount > capacity else { return }
        let place =
            if let base = unsafe pages.baseAddress {
                unsafe process_move_pages(base, pages.count, byteCount)
            } else {
                unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            }
        guard let place = unsafe place, unsafe place != MAP_FAILED else { throw .noMemory }
        unsafe pages = UnsafeMutableRawBufferPointer(start: place, count: byteCount)
        // Where the system has no large pages, small ones do.
        if byteCount >= Self.hugePageByteCount { _ = unsafe madvise(place, byteCount, MADV_HUGEPAGE) }
    }

    /// Adds zero bytes, for which there is room.
    package mutating func appendZeros(_ byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= capacity - count)
        count += byteCount
    }

    /// Drops the bytes after the first ones without wiping them: they are not secret.
    package mutating func truncate(to byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= count)
        count = byteCount
    }

    /// Appends what `fill` writes to the free space after the bytes.
    ///
    /// - Parameters:
    ///   - limit: how much of the room `fill` is given at most.
    ///   - fill: returns how many bytes it wrote.
    /// - Returns: how many those are.
    package mutating func append<Reason: Error>(
        atMost limit: Int, from fill: (inout MutableSpan<UInt8>) throws(Reason) -> Int
    ) throws(Reason) -> Int {
        let end = min(capacity, count + limit)
        let free = unsafe UnsafeMutableRawBufferPointer(rebasing: pages[count..<end])
        var room = unsafe MutableSpan(_unsafeElements: free.assumingMemoryBound(to: UInt8.self))
        let added = try fill(&room)
        precondition(added >= 0 && added <= end - count)
        count += added
        return added
    }

    /// How many bytes there is room for in all.
    package var capacity: Int { unsafe pages.count }

    /// Shows the bytes for as long as `body` runs.
    package borrowing func withBytes<Result: ~Copyable, Reason: Error>(
        _ body: (Span<UInt8>) throws(Reason) -> Result
    ) throws(Reason) -> Result {
        let span = unsafe Span(_unsafeElements: UnsafeBufferPointer(bytes))
        return try body(span)
    }

    /// Lets `body` write to the bytes, all of them or those in a range.
    package mutating func withMutableBytes<Result: ~Copyable, Reason: Error>(
        in range: Range<Int>? = nil, _ body: (inout MutableSpan<UInt8>) throws(Reason) -> Result
    ) throws(Reason) -> Result {
        let part = unsafe UnsafeMutableBufferPointer(rebasing: bytes[range ?? 0..<count])
        var span = unsafe MutableSpan(_unsafeElements: part)
        return try body(&span)
    }

    /// Some of the bytes, for another thread.
    ///
    /// Until that is done with them nothing here reads or writes them, makes more room, or ends: so it is
    /// `@unchecked Sendable`.
    @safe
    package struct Piece: @unchecked Sendable {
        private let bytes: UnsafeMutableBufferPointer<UInt8>

        fileprivate init(_ bytes: UnsafeMutableBufferPointer<UInt8>) { unsafe self.bytes = bytes }

        /// Lets `body` write to the bytes.
        package func withMutableBytes(_ body: (inout MutableSpan<UInt8>) -> Void) {
            var span = unsafe MutableSpan(_unsafeElements: bytes)
            body(&span)
        }
    }

    /// The bytes in a range, for another thread; bytes may be appended meanwhile, while there is room.
    package mutating func piece(_ range: Range<Int>) -> Piece {
        unsafe Piece(UnsafeMutableBufferPointer(rebasing: bytes[range]))
    }

    private var bytes: UnsafeMutableBufferPointer<UInt8> {
        unsafe UnsafeMutableRawBufferPointer(rebasing: pages[..<count]).assumingMemoryBound(to: UInt8.self)
    }

    /// The bytes as a secret of fixed length.
    package consuming func finish() -> SecretBytes { withBytes { SecretBytes(copying: $0) } }
}
