import Glibc

/// Keccak-256 as Ethereum uses it: the SHA-3 submission with its first padding (0x01), not FIPS 202's SHA3-256.
///
/// Sponge of 1600 bits, rate 136 bytes, 24 rounds of Keccak-f. What is absorbed goes into the state at once and into
/// no buffer, and the state, from which short inputs could be computed back, is wiped in the end: a secret may be
/// hashed.
package struct Keccak256: ~Copyable {
    private static let rate = 136

    private var state = KeccakState()
    /// How many bytes of the block are in the state.
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
        let isContiguous: Void? = bytes.withContiguousStorageIfAvailable { buffer in
            unsafe update(Span(_unsafeElements: buffer))
        }
        if isContiguous == nil { for byte in bytes { absorb(byte) } }
    }

    /// Absorbs more bytes.
    package mutating func update(_ bytes: Span<UInt8>) {
        var index = 0
        while index < bytes.count {
            if position == 0, bytes.count - index >= Self.rate {
                for lane in 0..<Self.rate / 8 { addEight(of: bytes, from: index + 8 * lane, toLane: lane) }
                state.permute()
                index += Self.rate
            } else if position.isMultiple(of: 8), bytes.count - index >= 8 {
                addEight(of: bytes, from: index, toLane: position / 8)
                index += 8
                advance(by: 8)
            } else {
                absorb(bytes[index])
                index += 1
            }
        }
    }

    /// The hash of all that was absorbed.
    package consuming func finalize() -> Bytes32 {
        state.add(0x01, at: position)
        state.add(0x80 << 56, at: Self.rate - 8)
        state.permute()
        return Bytes32(checked: state.finish())
    }

    /// Adds eight bytes, which are there, to a lane.
    @inline(__always)
    private mutating func addEight(of bytes: Span<UInt8>, from index: Int, toLane lane: Int) {
        let eight = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
        state.add(eight.littleEndian, at: 8 * lane)
    }

    private mutating func absorb(_ byte: UInt8) {
        state.add(UInt64(byte), at: position)
        advance(by: 1)
    }

    private mutating func advance(by count: Int) {
        position += count
        if position == Self.rate {
            state.permute()
            position = 0
        }
    }
}

/// The state of Keccak-f[1600]: lane x + 5 y, each 64 bits, little-endian.
///
/// Six of the lanes are kept as their complement, which leaves a round with 5 NOTs in place of 25 (the Keccak
/// implementation overview, 2.2, lane complementing).
struct KeccakState {
    private var lanes = Lanes(repeating: 0)

    private typealias Lanes = InlineArray<25, UInt64>

    private static let complemented: InlineArray<6, Int> = [1, 2, 8, 12, 17, 20]

    /// The constants of the iota step, one a round (FIPS 202, 3.2.5).
    private static let roundConstants: InlineArray<24, UInt64> = [
        0x0000_0000_0000_0001, 0x0000_0000_0000_8082, 0x8000_0000_0000_808a, 0x8000_0000_8000_8000,
        0x0000_0000_0000_808b, 0x0000_0000_8000_0001, 0x8000_0000_8000_8081, 0x8000_0000_0000_8009,
        0x0000_0000_0000_008a, 0x0000_0000_0000_0088, 0x0000_0000_8000_8009, 0x0000_0000_8000_000a,
        0x0000_0000_8000_808b, 0x8000_0000_0000_008b, 0x8000_0000_0000_8089, 0x8000_0000_0000_8003,
        0x8000_0000_0000_8002, 0x8000_0000_0000_0080, 0x0000_0000_0000_800a, 0x8000_0000_8000_000a,
        0x8000_0000_8000_8081, 0x8000_0000_0000_8080, 0x0000_0000_8000_0001, 0x8000_0000_8000_8008,
    ]

    init() { complement() }

    /// Adds up to eight bytes, little-endian, from an offset on; they do not cross a lane's end.
    mutating func add(_ bytes: UInt64, at offset: Int) { lanes[offset / 8] ^= bytes << (8 * (offset % 8)) }

    /// The first 32 bytes of the state, which is overwritten; the compiler may not leave that out.
    mutating func finish() -> [UInt8] {
        complement()
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 32) { target, count in
            for lane in 0..<4 {
                let word = lanes[lane].littleEndian
                unsafe UnsafeMutableRawBufferPointer(target).storeBytes(
                    of: word, toByteOffset: 8 * lane, as: UInt64.self)
            }
            count = 32
        }
        Self.wipe(&self)
        Self.wipeStack()
        return bytes
    }

    private mutating func complement() {
        for index in Self.complemented.indices { lanes[Self.complemented[index]] = ~lanes[Self.complemented[index]] }
    }

    /// Keccak-f[1600]: 24 rounds.
    @inline(never)
    mutating func permute() {
        var even = lanes
        var odd = Lanes(repeating: 0)
        var index = 0
        while index < Self.roundConstants.count {
            Self.round(even, into: &odd, Self.roundConstants[index])
            Self.round(odd, into: &even, Self.roundConstants[index + 1])
            index += 2
        }
        lanes = even
    }

    /// Overwrites what ``permute()`` had on the stack, being called from where that was.
    @inline(never)
    private static func wipeStack() {
        var frame = InlineArray<64, UInt64>(repeating: 0)
        wipe(&frame)
    }

    /// Overwrites a value; the compiler may not leave it out.
    @inline(__always)
    private static func wipe<Value>(_ value: inout Value) {
        unsafe withUnsafeMutableBytes(of: &value) { buffer in
            if let base = buffer.baseAddress { unsafe explicit_bzero(base, buffer.count) }
        }
    }

    /// One round: theta's sums of columns, then row by row what rho and pi bring there, chi, and iota.
    ///
    /// The lanes of a row are a, e, i, o, u. Chi is a ^ (~e & i) and so on, where De Morgan's laws have taken in the
    /// complements of the lanes that are read and written.
    @inline(__always)
    private static func round(_ from: borrowing Lanes, into to: inout Lanes, _ constant: UInt64) {
        let (sumA, sumE) = (sum(from, 0), sum(from, 1))
        let (sumI, sumO, sumU) = (sum(from, 2), sum(from, 3), sum(from, 4))
        let (thetaA, thetaE) = (sumU ^ turned(sumE, 1), sumA ^ turned(sumI, 1))
        let (thetaI, thetaO, thetaU) = (sumE ^ turned(sumO, 1), sumI ^ turned(sumU, 1), sumO ^ turned(sumA, 1))

        var (a, e, i) = (from[0] ^ thetaA, turned(from[6] ^ thetaE, 44), turned(from[12] ^ thetaI, 43))
        var (o, u) = (turned(from[18] ^ thetaO, 21), turned(from[24] ^ thetaU, 14))
        to[0] = a ^ (e | i) ^ constant
        to[1] = e ^ (~i | o)
        to[2] = i ^ (o & u)
        to[3] = o ^ (u | a)
        to[4] = u ^ (a & e)

        (a, e, i) = (turned(from[3] ^ thetaO, 28), turned(from[9] ^ thetaU, 20), turned(from[10] ^ thetaA, 3))
        (o, u) = (turned(from[16] ^ thetaE, 45), turned(from[22] ^ thetaI, 61))
        to[5] = a ^ (e | i)
        to[6] = e ^ (i & o)
        to[7] = i ^ (o | ~u)
        to[8] = o ^ (u | a)
        to[9] = u ^ (a & e)

        (a, e, i) = (turned(from[1] ^ thetaE, 1), turned(from[7] ^ thetaI, 6), turned(from[13] ^ thetaO, 25))
        (o, u) = (turned(from[19] ^ thetaU, 8), turned(from[20] ^ thetaA, 18))
        to[10] = a ^ (e | i)
        to[11] = e ^ (i & o)
        to[12] = i ^ (~o & u)
        to[13] = ~o ^ (u | a)
        to[14] = u ^ (a & e)

        (a, e, i) = (turned(from[4] ^ thetaU, 27), turned(from[5] ^ thetaA, 36), turned(from[11] ^ thetaE, 10))
        (o, u) = (turned(from[17] ^ thetaI, 15), turned(from[23] ^ thetaO, 56))
        to[15] = a ^ (e & i)
        to[16] = e ^ (i | o)
        to[17] = i ^ (~o | u)
        to[18] = ~o ^ (u & a)
        to[19] = u ^ (a | e)

        (a, e, i) = (turned(from[2] ^ thetaI, 62), turned(from[8] ^ thetaO, 55), turned(from[14] ^ thetaU, 39))
        (o, u) = (turned(from[15] ^ thetaA, 41), turned(from[21] ^ thetaE, 2))
        to[20] = a ^ (~e & i)
        to[21] = ~e ^ (i | o)
        to[22] = i ^ (o & u)
        to[23] = o ^ (u | a)
        to[24] = u ^ (a & e)
    }

    /// The sum of a column.
    @inline(__always)
    private static func sum(_ lanes: borrowing Lanes, _ x: Int) -> UInt64 {
        lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]
    }

    @inline(__always)
    private static func turned(_ lane: UInt64, _ count: UInt64) -> UInt64 { lane &<< count | lane &>> (64 &- count) }
}
