import Glibc

/// Keccak-256 as Ethereum uses it: the SHA-3 submission with its first padding (0x01), not FIPS 202's SHA3-256.
///
/// Sponge of 1600 bits, rate 136 bytes, 24 rounds of Keccak-f. What is absorbed goes into the state at once and into
/// no buffer, and the state, from which short inputs could be computed back, is wiped in the end: a secret may be
/// hashed.
package struct Keccak256: ~Copyable {
    private static let rate = 136

    private var state = KeccakState()
    /// How many bytes of the block stand in the state.
    private var position = 0

    package init() {}

    /// The hash of all the bytes.
    package static func hash(_ bytes: some Collection<UInt8>) -> Bytes32 {
        var hasher = Keccak256()
        hasher.update(bytes)
        return hasher.finalize()
    }

    /// The hash of all the bytes, of which no copy is left.
    package static func hash(_ bytes: Span<UInt8>) -> Bytes32 {
        var hasher = Keccak256()
        hasher.update(bytes)
        return hasher.finalize()
    }

    /// Absorbs more bytes.
    package mutating func update(_ bytes: some Collection<UInt8>) {
        for byte in bytes { absorb(byte) }
    }

    /// Absorbs more bytes.
    package mutating func update(_ bytes: Span<UInt8>) {
        for index in bytes.indices { absorb(bytes[index]) }
    }

    /// The hash of all that was absorbed.
    package consuming func finalize() -> Bytes32 {
        state.add(0x01, at: position)
        state.add(0x80, at: Self.rate - 1)
        state.permute()
        var hash: [UInt8] = []
        for lane in 0..<4 {
            for byte in 0..<8 { hash.append(UInt8(truncatingIfNeeded: state.lanes[lane] >> (8 * byte))) }
        }
        state.wipe()
        return Bytes32(checked: hash)
    }

    private mutating func absorb(_ byte: UInt8) {
        state.add(byte, at: position)
        position += 1
        if position == Self.rate {
            state.permute()
            position = 0
        }
    }
}

/// The 25 lanes of Keccak-f[1600]: lane x + 5 y, each 64 bits, little-endian.
private struct KeccakState {
    var lanes = InlineArray<25, UInt64>(repeating: 0)

    /// The constants of the iota step, one a round (FIPS 202, 3.2.5).
    private static let roundConstants: [UInt64] = [
        0x0000_0000_0000_0001, 0x0000_0000_0000_8082, 0x8000_0000_0000_808a, 0x8000_0000_8000_8000,
        0x0000_0000_0000_808b, 0x0000_0000_8000_0001, 0x8000_0000_8000_8081, 0x8000_0000_0000_8009,
        0x0000_0000_0000_008a, 0x0000_0000_0000_0088, 0x0000_0000_8000_8009, 0x0000_0000_8000_000a,
        0x0000_0000_8000_808b, 0x8000_0000_0000_008b, 0x8000_0000_0000_8089, 0x8000_0000_0000_8003,
        0x8000_0000_0000_8002, 0x8000_0000_0000_0080, 0x0000_0000_0000_800a, 0x8000_0000_8000_000a,
        0x8000_0000_8000_8081, 0x8000_0000_0000_8080, 0x0000_0000_8000_0001, 0x8000_0000_8000_8008,
    ]
    /// Where lane `i` of the pi step's walk goes, and how far rho turns it on the way.
    private static let piLanes = [
        10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1,
    ]
    private static let rhoTurns = [
        1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44,
    ]

    /// Adds a byte to the one at an offset.
    mutating func add(_ byte: UInt8, at offset: Int) {
        lanes[offset / 8] ^= UInt64(byte) << (8 * (offset % 8))
    }

    /// Overwrites the lanes; the compiler may not leave it out.
    mutating func wipe() {
        unsafe withUnsafeMutableBytes(of: &lanes) { buffer in
            if let base = buffer.baseAddress { unsafe explicit_bzero(base, buffer.count) }
        }
    }

    mutating func permute() {
        for constant in Self.roundConstants {
            var parity = InlineArray<5, UInt64>(repeating: 0)
            for x in 0..<5 { parity[x] = lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] }
            for x in 0..<5 {
                let theta = parity[(x + 4) % 5] ^ Self.turned(parity[(x + 1) % 5], by: 1)
                for y in 0..<5 { lanes[x + 5 * y] ^= theta }
            }
            var moving = lanes[1]
            for step in 0..<24 {
                let target = Self.piLanes[step]
                let displaced = lanes[target]
                lanes[target] = Self.turned(moving, by: Self.rhoTurns[step])
                moving = displaced
            }
            for row in 0..<5 {
                var before = InlineArray<5, UInt64>(repeating: 0)
                for x in 0..<5 { before[x] = lanes[row * 5 + x] }
                for x in 0..<5 { lanes[row * 5 + x] = before[x] ^ (~before[(x + 1) % 5] & before[(x + 2) % 5]) }
            }
            lanes[0] ^= constant
        }
    }

    private static func turned(_ lane: UInt64, by count: Int) -> UInt64 { lane << count | lane >> (64 - count) }
}
