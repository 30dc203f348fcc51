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

    /// Where the number of messages in a member's inbox stands.
    func inboxSize(of member: Bytes32) -> StorageSlot {
        switch self {
        case .solidity: Self.inboxes.solidityEntry(member)
        case .vyper: Self.inboxSizes.vyperEntry(member)
        }
    }

    /// Where a message begins: the sender's id, and behind it the word that tells the payload's size.
    func message(_ index: UInt64, of member: Bytes32) -> StorageSlot {
        switch self {
        case .solidity:
            inboxSize(of: member).solidityContent.advanced(by: index).advanced(by: index)
        case .vyper:
            Self.inboxes.vyperEntry(member).vyperEntry(Quantity(index).word)
        }
    }

    /// The three words that a message is known by again: the sender, the payload's size, and the payload's first word
    /// where it does not stand with the size.
    func marks(_ index: UInt64, of member: Bytes32) -> [StorageSlot] {
        let sender = message(index, of: member)
        let size = sender.advanced(by: 1)
        return [sender, size, content(at: size)]
    }

    /// The mark of what stands at ``marks(_:of:)``; nil if there is no message, as no sender is zero.
    func mark(_ index: UInt64, of member: Bytes32, _ words: [Bytes32]) -> MessageMark? {
        guard words.count == 3, words[0] != .zero else { return nil }
        guard let stored = bytes(words[1], at: message(index, of: member).advanced(by: 1)) else {
            return MessageMark(index: index, digest: Keccak256.hash(words.flatMap(\.bytes)))
        }
        return MessageMark(
            index: index, from: words[0], count: stored.count, start: stored.bytes(of: words.suffix(1)))
    }

    /// Where a member's code id stands, which no member is without.
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
    func bytes(_ word: Bytes32, at slot: StorageSlot) -> StorageBytes? {
        switch self {
        case .solidity: StorageBytes(solidity: word, at: slot)
        case .vyper: StorageBytes(vyper: word, at: slot)
        }
    }
}
