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
