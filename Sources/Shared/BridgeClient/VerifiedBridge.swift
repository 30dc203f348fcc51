package import Primitives
package import ProvenState
package import Secp256k1

/// Reads a TEEBridge contract through nodes that are not trusted at all: everything is read out of the contract's
/// storage, with proofs against a block that is believed for other reasons than a node's word (``BlockAgreement``).
///
/// So no node can hide, alter, reorder or invent a message or a key: the number of messages is proven, and every word of
/// each.
package struct VerifiedBridge: BridgeReader {
    /// The contract.
    package let bridge: Address
    private let agreement: BlockAgreement
    private let maxPayload: UInt64

    /// How large a payload is read if nothing else is said, in bytes.
    package static let defaultMaxPayload: UInt64 = 65_536
    /// How many messages are begun at once.
    private static let batchSize: UInt64 = 40

    /// - Parameters:
    ///   - bridge: the contract.
    ///   - agreement: which block is believed; asked anew for each question.
    ///   - maxPayload: the most bytes of a message. What is longer is not read, but passed over.
    package init(_ bridge: Address, agreement: BlockAgreement, maxPayload: UInt64 = Self.defaultMaxPayload) {
        self.bridge = bridge
        self.agreement = agreement
        self.maxPayload = maxPayload
    }

    /// The chain that the operator named, else the one that the nodes agree on.
    ///
    /// - Throws: `ProvenStateError`.
    package func chain() throws -> UInt64 { try agreement.chain() }

    /// A member's public key, which is there and hashes to the member's id.
    ///
    /// - Throws: ``BridgeClientError/notAMember(_:)`` only where it is proven that no layout has a key of that member;
    ///   `ProvenStateError`.
    package func publicKey(of member: Bytes32) throws -> PublicKey {
        let places = StorageLayout.allCases.flatMap { layout in
            layout.publicKey(of: member).map { (layout: layout, slot: $0) }
        }
        let block = try agreement.block()
        let words = try read(places.map(\.slot), in: block)
        for (place, word) in zip(places, words) {
            guard let stored = place.layout.bytes(word, at: place.slot), stored.count == 33 else { continue }
            let bytes = stored.bytes(of: try read(stored.slots, in: block))
            guard Keccak256.hash(bytes) == member, let key = try? PublicKey(bytes) else { continue }
            return key
        }
        guard words.allSatisfy({ $0 == .zero }) else { throw BridgeClientError.unknownLayout(bridge) }
        throw BridgeClientError.notAMember(member)
    }

    /// All of it is of one block.
    package func forEachMessage(
        of member: Bytes32, from first: UInt64, _ body: (BridgeClient.Message) throws -> Void,
        unread: (_ index: UInt64, _ reason: BridgeClientError) throws -> Void
    ) throws {
        let block = try agreement.block()
        guard let (layout, count) = try inbox(of: member, in: block) else { return }
        var next = first
        while next < count {
            let end = next + min(Self.batchSize, count - next)
            let heads = try heads(of: Array(next..<end), member, layout, in: block)
            var words = try read(heads.flatMap { slots(of: $0) }, in: block)[...]
            for head in heads {
                guard let stored = head.stored else {
                    try unread(head.index, BridgeClientError.unknownLayout(bridge))
                    continue
                }
                guard stored.count <= maxPayload else {
                    try unread(head.index, BridgeClientError.payloadTooLarge(count: stored.count, limit: maxPayload))
                    continue
                }
                let count = stored.slots.count
                let payload = stored.bytes(of: words.prefix(count))
                words = words.dropFirst(count)
                try body(BridgeClient.Message(index: head.index, from: head.from, payload: payload))
            }
            next = end
        }
    }

    /// The layout that has messages for a member, and how many; nil if none has.
    private func inbox(of member: Bytes32, in block: ProvenBlock) throws -> (StorageLayout, count: UInt64)? {
        let layouts = StorageLayout.allCases
        let sizes = try read(layouts.map { $0.inboxSize(of: member) }, in: block)
        let filled = zip(layouts, sizes).filter { $0.1 != .zero }
        guard let (layout, size) = filled.first else { return nil }
        guard filled.count == 1, let count = Quantity(size).uint64 else {
            throw BridgeClientError.unknownLayout(bridge)
        }
        return (layout, count)
    }

    /// What the first two words of a message say.
    private struct Head {
        let index: UInt64
        let from: Bytes32
        let stored: StoredBytes?
    }

    private func heads(
        of indices: [UInt64], _ member: Bytes32, _ layout: StorageLayout, in block: ProvenBlock
    ) throws -> [Head] {
        let slots = indices.map { layout.message($0, of: member) }
        let words = try read(slots.flatMap { [$0, $0.advanced(by: 1)] }, in: block)
        return zip(indices, slots).enumerated().map { place, message in
            let (from, size) = (words[2 * place], words[2 * place + 1])
            let stored = layout.bytes(size, at: message.1.advanced(by: 1))
            return Head(index: message.0, from: from, stored: stored)
        }
    }

    /// The places of a message's payload; none if it is not read.
    private func slots(of head: Head) -> [StorageSlot] {
        guard let stored = head.stored, stored.count <= maxPayload else { return [] }
        return stored.slots
    }

    private func read(_ slots: [StorageSlot], in block: ProvenBlock) throws -> [Bytes32] {
        guard !slots.isEmpty else { return [] }
        guard let words = try block.words(of: bridge, at: slots.map(\.word)) else {
            throw BridgeClientError.noContract(bridge)
        }
        return words
    }
}
