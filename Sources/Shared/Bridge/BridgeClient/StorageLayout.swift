import Primitives

/// How a TEEBridge contract keeps members and messages in its storage, by the compiler it comes from.
///
/// Slot 3 is the members' mapping and slot 4 the inboxes' in both; contracts/TEEBridge.vy has the inboxes' sizes at 5.
///
/// Which of the two a contract has need not be known beforehand: the places of both are read, with proofs, and only the
/// contract's own can hold anything. A place of the other layout would have to be written by accident, and each is the
/// hash of 64 bytes that the contract never hashes: what stands for the slot in one is a member id in the other, and
/// that is a hash too, of a public key; so a member whose key makes two hashes meet would have to be found.
enum StorageLayout: CaseIterable {
    /// The first and the second version of the contract, in Solidity.
    case solidity
    /// The contract of this project, in Vyper.
    case vyper

    private static let members = StorageSlot(3)
    private static let inboxes = StorageSlot(4)
    private static let inboxSizes = StorageSlot(5)

    /// Where the number of messages in a member's inbox is stored.
    func inboxSize(of member: Bytes32) -> StorageSlot {
        switch self {
        case .solidity: Self.inboxes.solidityEntry(member)
        case .vyper: Self.inboxSizes.vyperEntry(member)
        }
    }

    /// Where a message begins: the sender's id, followed by the word with the payload's size.
    func message(_ index: UInt64, of member: Bytes32) -> StorageSlot {
        switch self {
        case .solidity:
            inboxSize(of: member).solidityContent.advanced(by: index).advanced(by: index)
        case .vyper:
            Self.inboxes.vyperEntry(member).vyperEntry(UInt256(index).word)
        }
    }

    /// Where the size of a message's payload is stored.
    func size(_ index: UInt64, of member: Bytes32) -> StorageSlot { message(index, of: member).advanced(by: 1) }

    /// The three words that a message is known by again: the sender, the payload's size, and the payload's first word
    /// where it does not stand with the size. None without an index.
    func fingerprintSlots(_ index: UInt64?, of member: Bytes32) -> [StorageSlot] {
        guard let index else { return [] }
        let size = size(index, of: member)
        return [message(index, of: member), size, content(at: size)]
    }

    /// The fingerprint of a message whose first words are these, at least those at ``fingerprintSlots(_:of:)`` that it
    /// has; nil without an index, or if there is no message, as no sender is zero.
    func fingerprint(_ index: UInt64?, of member: Bytes32, _ words: ArraySlice<Bytes32>) -> MessageFingerprint? {
        guard let index, let from = words.first, let size = words.dropFirst().first, from != .zero else { return nil }
        guard let stored = bytes(size, at: self.size(index, of: member)) else {
            return MessageFingerprint(index: index, digest: Keccak256.hash(words.prefix(3).flatMap(\.bytes)))
        }
        return MessageFingerprint(
            index: index, from: from, count: stored.count, start: stored.bytes(of: words.dropFirst(2).prefix(1)))
    }

    /// Where a member's code id is stored, which every member has.
    func codeId(of member: Bytes32) -> StorageSlot {
        switch self {
        case .solidity: Self.members.solidityEntry(member)
        case .vyper: Self.members.vyperEntry(member)
        }
    }

    /// Where a member's public key may begin.
    ///
    /// The first version keeps (codeId, key, time) and the second, as its getMember gives them, (codeId, verifier, key,
    /// user data, time): the key's word is the second or the third. The source of the second version was not read for
    /// this; a contract that keeps its key elsewhere gives no key here, and never a wrong one, since a key is known by
    /// its hash.
    func publicKey(of member: Bytes32) -> [StorageSlot] {
        switch self {
        case .solidity: [1, 2].map { codeId(of: member).advanced(by: $0) }
        case .vyper: [codeId(of: member).advanced(by: 1)]
        }
    }

    /// Where the bytes stand whose size is at a place, if they do not stand with it.
    private func content(at slot: StorageSlot) -> StorageSlot {
        switch self {
        case .solidity: slot.solidityContent
        case .vyper: slot.advanced(by: 1)
        }
    }

    /// What a first word at a place says of the bytes there; nil if it says nothing that this compiler means.
    func bytes(_ word: Bytes32, at slot: StorageSlot) -> DynamicBytes? {
        switch self {
        case .solidity: DynamicBytes(solidity: word, at: slot)
        case .vyper: DynamicBytes(vyper: word, at: slot)
        }
    }
}

/// The place of a word in a contract's storage, and how compilers find it.
struct StorageSlot: Hashable {
    /// The place.
    let word: Bytes32

    init(_ word: Bytes32) { self.word = word }

    /// The place of a contract's own variable.
    init(_ number: UInt64) { word = UInt256(number).word }

    /// Where a mapping at this place keeps the value of a key, as Solidity does: the hash of the key, then the place.
    func solidityEntry(_ key: Bytes32) -> StorageSlot { StorageSlot(Keccak256.hash(key.bytes + word.bytes)) }

    /// Where a mapping at this place keeps the value of a key, as Vyper does: the hash of the place, then the key.
    func vyperEntry(_ key: Bytes32) -> StorageSlot { StorageSlot(Keccak256.hash(word.bytes + key.bytes)) }

    /// Where what is counted at this place begins, as Solidity keeps arrays and bytes: at the place's hash.
    var solidityContent: StorageSlot { StorageSlot(Keccak256.hash(word.bytes)) }

    /// The place this many words after this one; after the last comes the first.
    func advanced(by count: UInt64) -> StorageSlot {
        StorageSlot((UInt256(word) &+ UInt256(count)).word)
    }
}

/// Bytes as a contract keeps them: a word that tells how many there are, and where the rest is.
enum DynamicBytes: Equatable {
    /// All there are.
    case here([UInt8])
    /// So many, in words from a place on.
    case at(StorageSlot, count: UInt64)

    /// Vyper: the number of bytes, followed by the bytes.
    ///
    /// nil for a number that no storage holds.
    init?(vyper word: Bytes32, at slot: StorageSlot) {
        guard let count = UInt256(word).uint64 else { return nil }
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
            guard let count = UInt256(word).quotientAndRemainder(dividingBy: 2).quotient.uint64, count >= 32 else {
                return nil
            }
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
