import COpenSSL
import Glibc

/// scrypt (RFC 7914): its parameters, within bounds. It works in memory that is wiped at the end.
///
/// OpenSSL derives the keys that RFC 7914 allows. The RFC wants an n below 2^(16 r); the published vector of Web3 Secret
/// Storage has a larger one, and so do keystores that wallets made after it. What stands here derives those.
package struct Scrypt: Equatable, Sendable {
    private let n: Int
    private let r: Int
    private let p: Int

    /// The most blocks of 128 bytes that n rows, or p blocks, may take: 1 GiB. geth's standard has 2^18 times 8.
    private static let blockLimit = 1 << 23

    /// - Parameters:
    ///   - n: cost, a power of two above 1.
    ///   - r: block size, in units of 128 bytes.
    ///   - p: parallelism: how many blocks are mixed, one after the other.
    /// - Returns: nil for what are no such numbers, or where 128 n r or 128 p r bytes are more than 1 GiB.
    package init?(n: Int, r: Int, p: Int) {
        guard n > 1, n.nonzeroBitCount == 1, r > 0, p > 0, r <= Self.blockLimit / max(n, p) else { return nil }
        self.n = n
        self.r = r
        self.p = p
    }

    /// Whether the RFC, and so OpenSSL, has no objection: n r is 2^23 at most, so that r of 2 and more always are.
    var isStandard: Bool { r > 1 || n < 1 << 16 }

    /// Fills `target` with what the password gives.
    ///
    /// - Returns: whether there was enough memory.
    func derive(
        password: UnsafeBufferPointer<UInt8>, salt: UnsafeBufferPointer<UInt8>,
        into target: UnsafeMutableBufferPointer<UInt8>
    ) -> Bool {
        guard isStandard else { return unsafe deriveAnyway(password: password, salt: salt, into: target) }
        // Without a limit on memory OpenSSL has one of 32 MiB. It takes nil for an empty password or salt.
        return unsafe password.withMemoryRebound(to: CChar.self) { password in
            unsafe EVP_PBE_scrypt(
                password.baseAddress, password.count, salt.baseAddress, salt.count, UInt64(n), UInt64(r), UInt64(p),
                UInt64.max, target.baseAddress, target.count) == 1
        }
    }

    /// ``derive(password:salt:into:)`` without OpenSSL, for any parameters.
    func deriveAnyway(
        password: UnsafeBufferPointer<UInt8>, salt: UnsafeBufferPointer<UInt8>,
        into target: UnsafeMutableBufferPointer<UInt8>
    ) -> Bool {
        // n rows, p blocks, and a spare one.
        let count = blockWordCount * (n + p + 1)
        guard let memory = unsafe calloc(count, MemoryLayout<UInt32>.stride) else { return false }
        defer {
            unsafe explicit_bzero(memory, count * MemoryLayout<UInt32>.stride)
            unsafe free(memory)
        }
        let rows = unsafe memory.bindMemory(to: UInt32.self, capacity: count)
        let blocks = unsafe rows + n * blockWordCount
        let spare = unsafe blocks + p * blockWordCount
        let byteCount = p * blockWordCount * MemoryLayout<UInt32>.stride
        let isFilled = unsafe blocks.withMemoryRebound(to: UInt8.self, capacity: byteCount) { bytes in
            unsafe pbkdf2(
                password: password, salt: salt, rounds: 1,
                into: UnsafeMutableBufferPointer(start: bytes, count: byteCount))
        }
        guard isFilled else { return false }
        for block in 0..<p { unsafe mix(blocks + block * blockWordCount, rows: rows, spare: spare) }
        return unsafe blocks.withMemoryRebound(to: UInt8.self, capacity: byteCount) { bytes in
            unsafe pbkdf2(
                password: password, salt: UnsafeBufferPointer(start: bytes, count: byteCount), rounds: 1, into: target)
        }
    }

    /// Words of 32 bits in a block of 128 r bytes. They are used as they stand in memory: Linux runs Swift on
    /// little-endian machines alone, and little-endian is what RFC 7914 asks for.
    private var blockWordCount: Int { 32 * r }

    /// scryptROMix (section 5): a long way through the rows, and n looks back at where the block itself says.
    private func mix(
        _ block: UnsafeMutablePointer<UInt32>, rows: UnsafeMutablePointer<UInt32>, spare: UnsafeMutablePointer<UInt32>
    ) {
        let count = blockWordCount
        unsafe rows.update(from: block, count: count)
        for row in 1..<n { unsafe mixBlock(rows + (row - 1) * count, into: rows + row * count) }
        unsafe mixBlock(rows + (n - 1) * count, into: block)
        for _ in 0..<n {
            // n is a power of two of at most 32 bits, so that the lowest word is all of the number that counts.
            let row = unsafe rows + Int(block[count - 16]) % n * count
            for word in 0..<count { unsafe spare[word] = block[word] ^ row[word] }
            unsafe mixBlock(spare, into: block)
        }
    }

    /// scryptBlockMix (section 4): the 64-byte parts go through Salsa20/8 one after the other, then even ones first.
    private func mixBlock(_ block: UnsafeMutablePointer<UInt32>, into target: UnsafeMutablePointer<UInt32>) {
        var state = InlineArray<16, UInt32> { unsafe block[(2 * r - 1) * 16 + $0] }
        for part in 0..<2 * r {
            for word in 0..<16 { unsafe state[word] ^= block[part * 16 + word] }
            Self.salsa20(&state)
            let place = unsafe target + (part / 2 + part % 2 * r) * 16
            for word in 0..<16 { unsafe place[word] = state[word] }
        }
    }

    /// The Salsa20/8 core (section 3): four times the columns, then the rows.
    @inline(__always)
    private static func salsa20(_ state: inout InlineArray<16, UInt32>) {
        let start = state
        for _ in 0..<4 {
            quarterRound(&state, 0, 4, 8, 12)
            quarterRound(&state, 5, 9, 13, 1)
            quarterRound(&state, 10, 14, 2, 6)
            quarterRound(&state, 15, 3, 7, 11)
            quarterRound(&state, 0, 1, 2, 3)
            quarterRound(&state, 5, 6, 7, 4)
            quarterRound(&state, 10, 11, 8, 9)
            quarterRound(&state, 15, 12, 13, 14)
        }
        for word in 0..<16 { state[word] &+= start[word] }
    }

    @inline(__always)
    private static func quarterRound(_ state: inout InlineArray<16, UInt32>, _ a: Int, _ b: Int, _ c: Int, _ d: Int) {
        state[b] ^= rotated(state[a] &+ state[d], by: 7)
        state[c] ^= rotated(state[b] &+ state[a], by: 9)
        state[d] ^= rotated(state[c] &+ state[b], by: 13)
        state[a] ^= rotated(state[d] &+ state[c], by: 18)
    }

    @inline(__always)
    private static func rotated(_ word: UInt32, by count: UInt32) -> UInt32 { word &<< count | word &>> (32 &- count) }
}
