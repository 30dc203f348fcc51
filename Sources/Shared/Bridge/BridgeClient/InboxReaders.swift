import ABI
import EthereumNode
import Primitives
import TEEBridge

/// An inbox that one call gave whole.
struct WholeInboxReader: InboxMessages {
    let entries: [InboxEntry]

    func entries(at indices: [UInt64], after fingerprint: MessageFingerprint?) -> [InboxEntry] {
        indices.compactMap { Int(exactly: $0) }.compactMap { entries.dropFirst($0).first }
    }
}

/// An inbox whose contract gives one message a call: contracts/TEEBridge.vy.
struct CallInboxReader: InboxMessages {
    let client: BridgeClient
    let member: Bytes32
    let tag: BlockTag

    /// The number of messages requested at once.
    private static let batchSize = 50

    /// The message that must stand is asked for in the same request: so the batch is not of another chain.
    func entries(
        at indices: [UInt64], after fingerprint: MessageFingerprint?
    ) throws(BridgeClientError) -> [InboxEntry] {
        let before = fingerprint.map { [$0.index] } ?? []
        var batch = NodeBatch()
        var tickets: [(index: UInt64, NodeBatch.Ticket<CallOutcome<[UInt8]>>)] = []
        for index in before + indices.prefix(Self.batchSize) {
            let arguments = [ABIValue.word(member), .uint(UInt256(index))]
            tickets.append((index, batch.add(try client.call(TEEBridge.onboardingMessage, arguments, at: tag))))
        }
        let answers = try client.ask(batch)
        let entries = try tickets.map { index, ticket throws(BridgeClientError) in
            let data = try client.returned(client.answer(to: ticket, in: answers), by: TEEBridge.onboardingMessage)
            let values = try BridgeClient.decode(data, of: TEEBridge.onboardingMessage)
            return try InboxEntry(index, values, maxPayload: client.maxPayload)
        }
        if let fingerprint, entries.first?.fingerprint != fingerprint {
            throw .changedMeanwhile(index: fingerprint.index)
        }
        return Array(entries.dropFirst(before.count))
    }
}

/// An inbox that is read out of a contract's storage, as nodes show or prove it.
struct StorageInboxReader: InboxMessages {
    /// The contract, for errors.
    let bridge: Address
    let layout: StorageLayout
    let member: Bytes32
    /// The most bytes of a payload. Longer ones are skipped: anyone can write any length.
    let maxPayload: UInt64
    /// Whether all words are of one block for certain.
    let isOfOneBlock: Bool
    /// The words at some places, in their order; those of one message, whose index is given, in one request unless it
    /// is long. Throws what asking the node throws.
    let words: (_ slots: [StorageSlot], _ index: UInt64) throws(BridgeClientError) -> [Bytes32]
    /// The size words of the messages that come next.
    var sizes: [UInt64: Bytes32] = [:]

    /// The number of sizes requested at once.
    private static let sizeBatch = 80
    /// How many words are asked for at once; a longer message's are asked for by themselves. Some providers allow a
    /// hundred calls in a request, and one of them asks which chain it is.
    static let wordLimit = 99

    /// A message's words are asked for together, and its size once more among them: so a reorganisation between two
    /// requests does not make one message out of two. The words of the message before tell whether the chain is the
    /// same.
    mutating func entries(
        at indices: [UInt64], after fingerprint: MessageFingerprint?
    ) throws(BridgeClientError) -> [InboxEntry] {
        if let first = indices.first, sizes[first] == nil {
            let asked = indices.prefix(Self.sizeBatch)
            let words = try words(asked.map { layout.message($0, of: member).advanced(by: 1) }, first)
            sizes = Dictionary(zip(asked, words)) { $1 }
        }
        let before = isOfOneBlock ? nil : fingerprint
        var slots = before.map { layout.fingerprintSlots($0.index, of: member) } ?? []
        var parts: [(index: UInt64, size: Bytes32, payload: Result<StorageBytes, BridgeClientError>, Range<Int>)] = []
        for index in indices {
            guard let size = sizes[index] else { break }
            let payload = payload(of: index, size: size)
            var places = layout.fingerprintSlots(index, of: member)
            if case .success(let bytes) = payload { places = places.prefix(2) + bytes.slots }
            guard parts.isEmpty || slots.count + places.count <= Self.wordLimit else { break }
            parts.append((index, size, payload, slots.count..<(slots.count + places.count)))
            slots += places
        }
        let words = try words(slots, parts.first?.index ?? 0)
        if let before, layout.fingerprint(before.index, of: member, words.prefix(3)) != before {
            throw .changedMeanwhile(index: before.index)
        }
        return try parts.map { index, size, payload, range throws(BridgeClientError) in
            let words = words[range]
            // Without a sender there is no message at this block.
            guard let from = words.first, words.dropFirst().first == size,
                let fingerprint = layout.fingerprint(index, of: member, words)
            else { throw .changedMeanwhile(index: index) }
            return InboxEntry(
                fingerprint: fingerprint, from: from, payload: payload.map { $0.bytes(of: words.dropFirst(2)) })
        }
    }

    /// What a size says of the payload, or why the payload is not read.
    private func payload(of index: UInt64, size: Bytes32) -> Result<StorageBytes, BridgeClientError> {
        guard let bytes = layout.bytes(size, at: layout.message(index, of: member).advanced(by: 1)) else {
            return .failure(.unknownLayout(bridge))
        }
        return bytes.count <= maxPayload
            ? .success(bytes) : .failure(.payloadTooLarge(count: bytes.count, limit: maxPayload))
    }
}

extension InboxEntry {
    /// A message that a node returned whole, unless it exceeds the limit.
    init(_ index: UInt64, from: Bytes32, _ payload: [UInt8], maxPayload: UInt64) {
        let count = UInt64(payload.count)
        self.init(
            fingerprint: MessageFingerprint(index: index, from: from, count: count, start: payload), from: from,
            payload: count <= maxPayload
                ? .success(payload) : .failure(.payloadTooLarge(count: count, limit: maxPayload)))
    }

    /// - Parameter values: a message as the contract's functions give it.
    /// - Throws: ``BridgeClientError`` for values of other types.
    init(_ index: UInt64, _ values: [ABIValue], maxPayload: UInt64) throws(BridgeClientError) {
        guard values.count == 2, case .fixedBytes(let from) = values[0], case .bytes(let payload) = values[1],
            let from = try? Bytes32(from)
        else { throw .unexpectedAnswer(function: TEEBridge.onboardingMessage.name, reason: "it is not a message") }
        self.init(index, from: from, payload, maxPayload: maxPayload)
    }
}
