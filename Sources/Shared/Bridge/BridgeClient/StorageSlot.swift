import BigInt
import Primitives

/// The place of a word in a contract's storage, and how compilers find it.
struct StorageSlot: Hashable {
    /// The place.
    let word: Bytes32

    init(_ word: Bytes32) { self.word = word }

    /// The place of a contract's own variable.
    init(_ number: UInt64) { word = Quantity(number).word }

    /// Where a mapping at this place keeps the value of a key, as Solidity does: the hash of the key, then the place.
    func solidityEntry(_ key: Bytes32) -> StorageSlot { StorageSlot(Keccak256.hash(key.bytes + word.bytes)) }

    /// Where a mapping at this place keeps the value of a key, as Vyper does: the hash of the place, then the key.
    func vyperEntry(_ key: Bytes32) -> StorageSlot { StorageSlot(Keccak256.hash(word.bytes + key.bytes)) }

    /// Where what is counted at this place begins, as Solidity keeps arrays and bytes: at the place's hash.
    var solidityContent: StorageSlot { StorageSlot(Keccak256.hash(word.bytes)) }

    /// The place so many words behind this one; behind the last comes the first.
    func advanced(by count: UInt64) -> StorageSlot {
        StorageSlot(Bytes32(checked: (Quantity(word).value + BigUInt(count)).bigEndian(count: 32)))
    }
}

/// Bytes as a contract keeps them: a word that tells how many there are, and where the rest is.
enum StorageBytes: Equatable {
    /// All there are.
    case here([UInt8])
    /// So many, in words from a place on.
    case at(StorageSlot, count: UInt64)

    /// Vyper: the number of bytes, and the bytes behind it.
    ///
    /// nil for a number that no storage holds.
    init?(vyper word: Bytes32, at slot: StorageSlot) {
        guard let count = Quantity(word).uint64 else { return nil }
        self = count == 0 ? .here([]) : .at(slot.advanced(by: 1), count: count)
    }

    /// Solidity: fewer than 32 bytes stand in the word itself, and twice their number in its last byte; of more, the
    /// word is twice their number and 1, and they stand at the hash of the place.
    ///
    /// nil for a word that Solidity never writes: a long form of few bytes, a short form of too many.
    init?(solidity word: Bytes32, at slot: StorageSlot) {
        if word.bytes[31] & 1 == 0 {
            let count = Int(word.bytes[31] / 2)
            guard count < 32 else { return nil }
            self = .here(Array(word.bytes.prefix(count)))
        } else {
            guard let count = UInt64(exactly: Quantity(word).value >> 1), count >= 32 else { return nil }
            self = .at(slot.solidityContent, count: count)
        }
    }

    /// How many bytes there are.
    var count: UInt64 {
        switch self {
        case .here(let bytes): UInt64(bytes.count)
        case .at(_, let count): count
        }
    }

    /// The places of the words that hold the bytes, which must be few enough.
    var slots: [StorageSlot] {
        guard case .at(let first, let count) = self else { return [] }
        return (0..<count.dividedUp(by: 32)).map { first.advanced(by: $0) }
    }

    /// The bytes, from the words at ``slots``.
    func bytes(of words: some Sequence<Bytes32>) -> [UInt8] {
        switch self {
        case .here(let bytes): bytes
        case .at(_, let count): Array(words.flatMap(\.bytes).prefix(Int(clamping: count)))
        }
    }
}

extension UInt64 {
    fileprivate func dividedUp(by divisor: UInt64) -> UInt64 { self / divisor + (self % divisor == 0 ? 0 : 1) }
}
