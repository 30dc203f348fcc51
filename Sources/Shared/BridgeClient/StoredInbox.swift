import Primitives

/// A member's messages out of a contract's storage, whoever reads its words: with proofs, or from a node that is
/// believed.
struct StoredInbox {
    /// The contract, for errors.
    let bridge: Address
    /// How the contract keeps them.
    let layout: StorageLayout
    /// Whose they are.
    let member: Bytes32
    /// The most bytes of a payload. What is longer is not read, but passed over: anybody can write any length.
    let maxPayload: UInt64

    /// How many sizes are asked for at once.
    private static let batchSize: UInt64 = 80
    /// How many words are asked for at once; a longer message's are asked for by themselves. Some providers allow a
    /// hundred calls in a request, and one of them asks which chain it is.
    static let wordLimit = 99

    /// A message whose size is known.
    private struct Begun {
        let index: UInt64
        let size: Bytes32
        /// What the size says of the payload, or why the payload is not read.
        let payload: Result<StoredBytes, BridgeClientError>
        /// The places of its words: the sender, the size again, the payload's. None if it is not read.
        let slots: [StorageSlot]
    }

    /// Reads messages of the inbox.
    ///
    /// A message's words are asked for together, and its size once more among them: so a reorganisation between two
    /// requests does not make one message out of two.
    /// - Parameter words: the words at some places, in their order; those of one call, but for a message that is long,
    ///   may be asked for in one request.
    func forEachMessage(
        in range: Range<UInt64>, words: ([StorageSlot]) throws(BridgeClientError) -> [Bytes32],
        _ body: (BridgeClient.Message) throws -> Void,
        unread: (_ index: UInt64, _ reason: BridgeClientError) throws -> Void
    ) throws {
        var next = range.lowerBound
        while next < range.upperBound {
            let indices = next..<(next + min(Self.batchSize, range.upperBound - next))
            let sizes = try words(indices.map { layout.message($0, of: member).advanced(by: 1) })
            var begun = zip(indices, sizes).map { begin($0, size: $1) }[...]
            while !begun.isEmpty {
                let group = begun.prefix(Self.groupSize(of: begun))
                begun = begun.dropFirst(group.count)
                let slots = group.flatMap(\.slots)
                var read = try (slots.isEmpty ? [] : words(slots))[...]
                for message in group {
                    switch message.payload {
                    case .failure(let reason): try unread(message.index, reason)
                    case .success(let stored):
                        try body(finish(message, stored, Array(read.prefix(message.slots.count))))
                        read = read.dropFirst(message.slots.count)
                    }
                }
            }
            next = indices.upperBound
        }
    }

    private func begin(_ index: UInt64, size: Bytes32) -> Begun {
        let slot = layout.message(index, of: member)
        let payload: Result<StoredBytes, BridgeClientError>
        if let stored = layout.bytes(size, at: slot.advanced(by: 1)) {
            payload =
                stored.count <= maxPayload
                ? .success(stored) : .failure(.payloadTooLarge(count: stored.count, limit: maxPayload))
        } else {
            payload = .failure(.unknownLayout(bridge))
        }
        let slots = (try? payload.get()).map { [slot, slot.advanced(by: 1)] + $0.slots } ?? []
        return Begun(index: index, size: size, payload: payload, slots: slots)
    }

    /// How many messages are read together: as many as have few enough words, and at least one.
    private static func groupSize(of messages: ArraySlice<Begun>) -> Int {
        var words = 0
        let count = messages.prefix {
            words += $0.slots.count
            return words <= wordLimit
        }.count
        return max(count, 1)
    }

    private func finish(
        _ message: Begun, _ stored: StoredBytes, _ words: [Bytes32]
    ) throws(BridgeClientError) -> BridgeClient.Message {
        // A sender of zeros is no member: there is no message at this block.
        guard words.count == message.slots.count, words[0] != .zero, words[1] == message.size else {
            throw .changedMeanwhile(index: message.index)
        }
        return BridgeClient.Message(
            index: message.index, from: words[0], payload: stored.bytes(of: words.dropFirst(2)))
    }
}
