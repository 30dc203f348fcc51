package import Primitives
package import Secp256k1
package import StateProofs

/// Reads a TEEBridge contract through nodes that are not trusted at all: everything is read out of the contract's
/// storage, with proofs against a block that is believed for other reasons than a node's word (`BlockAgreement`).
///
/// So no node can hide, alter, reorder or invent a message or a key: the number of messages is proven, and every word of
/// each.
package struct VerifiedBridge: BridgeReader {
    /// The contract.
    package let bridge: Address
    private let agreement: BlockAgreement
    private let maxPayload: UInt64

    /// - Parameters:
    ///   - bridge: the contract.
    ///   - agreement: which block is trusted; determined again for each query.
    ///   - maxPayload: the most bytes of a message. What is longer is not read, but passed over.
    package init(_ bridge: Address, agreement: BlockAgreement, maxPayload: UInt64 = BridgeClient.defaultMaxPayload) {
        self.bridge = bridge
        self.agreement = agreement
        self.maxPayload = maxPayload
    }

    /// The chain that the operator named, or the one that the nodes agree on.
    ///
    /// - Throws: ``BridgeClientError/unproven(_:)``.
    package func chain() throws(BridgeClientError) -> UInt64 {
        do throws(ProvenStateError) { return try agreement.chain() } catch { throw .unproven(error) }
    }

    /// The public keys of members, which are there and hash to the members' ids. All of it is of one block.
    ///
    /// - Throws: ``BridgeClientError/notAMember(_:)`` only where it is proven that no layout has a key of that member.
    package func publicKeys(of members: [Bytes32]) throws(BridgeClientError) -> [PublicKey] {
        let block = try agreedBlock()
        var keys: [PublicKey] = []
        for member in members { keys.append(try publicKey(of: member, in: block)) }
        return keys
    }

    private func publicKey(of member: Bytes32, in block: ProvenBlock) throws(BridgeClientError) -> PublicKey {
        let places = StorageLayout.allCases.flatMap { layout in
            layout.publicKey(of: member).map { (layout: layout, slot: $0) }
        }
        let words = try read(places.map(\.slot), in: block)
        for (place, word) in zip(places, words) {
            guard let stored = place.layout.bytes(word, at: place.slot), stored.count == 33 else { continue }
            let bytes = stored.bytes(of: try read(stored.slots, in: block))
            guard Keccak256.hash(bytes) == member, let key = try? PublicKey(bytes) else { continue }
            return key
        }
        guard words.allSatisfy({ $0 == .zero }) else { throw .unknownLayout(bridge) }
        throw .notAMember(member)
    }

    /// All of it is of one block: the layout that has messages for the member, how many, and what stands in the place
    /// of the fingerprint.
    package func poll(
        _ member: Bytes32, for fingerprint: MessageFingerprint?, beyond known: UInt64
    ) throws(BridgeClientError) -> InboxSnapshot {
        let block = try agreedBlock()
        let places = StorageLayout.allCases.map { layout in
            [layout.inboxSize(of: member)] + layout.fingerprintSlots(fingerprint?.index, of: member)
        }
        var words = try read(places.flatMap(\.self), in: block)[...]
        let found = zip(StorageLayout.allCases, places).map { layout, slots in
            defer { words = words.dropFirst(slots.count) }
            return (layout: layout, words: words.prefix(slots.count))
        }
        let filled = found.filter { $0.words.first != .zero }
        guard let (layout, words) = filled.first else {
            return InboxSnapshot(count: 0, fingerprint: nil, head: block.number) { _, _ in [] }
        }
        guard filled.count == 1, let count = words.first.flatMap({ UInt256($0).uint64 }) else {
            throw .unknownLayout(bridge)
        }
        var reader = StorageInboxReader(bridge: bridge, layout: layout, member: member, maxPayload: maxPayload) {
            slots, _ throws(BridgeClientError) in try read(slots, in: block)
        }
        return InboxSnapshot(
            count: count, fingerprint: layout.fingerprint(fingerprint?.index, of: member, words.dropFirst()),
            head: block.number
        ) { indices, before throws(BridgeClientError) in try reader.read(indices, after: before) }
    }

    private func agreedBlock() throws(BridgeClientError) -> ProvenBlock {
        do throws(ProvenStateError) { return try agreement.block() } catch { throw .unproven(error) }
    }

    private func read(_ slots: [StorageSlot], in block: ProvenBlock) throws(BridgeClientError) -> [Bytes32] {
        guard !slots.isEmpty else { return [] }
        let words: [Bytes32]?
        do throws(ProvenStateError) { words = try block.words(of: bridge, at: slots.map(\.word)) } catch {
            throw .unproven(error)
        }
        guard let words else { throw .noContract(bridge) }
        return words
    }
}
