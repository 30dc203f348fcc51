import ABI
import BigInt
import EthereumNode
import Primitives
import TEEBridge

/// A whole inbox that one call gave.
struct WholeInbox: MessageSource {
    let messages: [BridgeClient.Message]
    let maxPayload: UInt64

    func entries(at indices: [UInt64], after mark: MessageFingerprint?) throws(BridgeClientError) -> [InboxEntry] {
        indices.compactMap { Int(exactly: $0) }.filter(messages.indices.contains).map {
            InboxEntry(messages[$0], maxPayload: maxPayload)
        }
    }
}

/// An inbox whose contract gives one message a call: contracts/TEEBridge.vy.
struct CalledInbox: MessageSource {
    let client: BridgeClient
    let member: Bytes32
    let tag: BlockTag

    /// The number of messages requested at once.
    private static let batchSize = 50

    func entries(at indices: [UInt64], after mark: MessageFingerprint?) throws(BridgeClientError) -> [InboxEntry] {
        let before = mark.map { [$0.index] } ?? []
        let messages = try messages(at: before + indices.prefix(Self.batchSize))
        // Requested together, so that the batch belongs to the same chain as what was read before.
        if let mark, messages.first?.mark != mark { throw .changedMeanwhile(index: mark.index) }
        return messages.dropFirst(before.count).map { InboxEntry($0, maxPayload: client.maxPayload) }
    }

    func messages(at indices: [UInt64]) throws(BridgeClientError) -> [BridgeClient.Message] {
        var batch = NodeBatch()
        var tickets: [(index: UInt64, NodeBatch.Ticket<CallOutcome<[UInt8]>>)] = []
        for index in indices {
            let arguments = [ABIValue.word(member), .uint(BigUInt(index))]
            tickets.append((index, batch.add(try client.call(TEEBridge.onboardingMessage, arguments, at: tag))))
        }
        let answers = try client.ask(batch)
        return try tickets.map { index, ticket throws(BridgeClientError) in
            let data = try client.returned(client.answer(to: ticket, in: answers), by: TEEBridge.onboardingMessage)
            return try BridgeClient.Message(index, BridgeClient.decode(data, of: TEEBridge.onboardingMessage))
        }
    }
}

/// The words of a contract's storage after one block, as nodes show or prove them.
protocol StorageWords {
    /// Whether all words are of one block for certain.
    var areOfOneBlock: Bool { get }

    /// The words at some places, in their order; those of one message, unless it is long, in one request.
    ///
    /// - Parameter index: the message that they are of, where they are one's.
    func words(_ slots: [StorageSlot], of index: UInt64) throws(BridgeClientError) -> [Bytes32]
}

/// An inbox that is read out of a contract's storage.
struct StorageInbox: MessageSource {
    /// The contract, for errors.
    let bridge: Address
    let layout: StorageLayout
    let member: Bytes32
    /// The most bytes of a payload. Longer ones are skipped: anyone can write any length.
    let maxPayload: UInt64
    let storage: any StorageWords
    /// The size words of the messages that come next.
    private var sizes: [UInt64: Bytes32] = [:]

    init(
        _ bridge: Address, _ layout: StorageLayout, of member: Bytes32, maxPayload: UInt64, in storage: any StorageWords
    ) {
        self.bridge = bridge
        self.layout = layout
        self.member = member
        self.maxPayload = maxPayload
        self.storage = storage
    }

    /// The number of sizes requested at once.
    private static let sizeBatch = 80
    /// How many words are asked for at once; a longer message's are asked for by themselves. Some providers allow a
    /// hundred calls in a request, and one of them asks which chain it is.
    static let wordLimit = 99

    /// A message's words are asked for together, and its size once more among them: so a reorganisation between two
    /// requests does not make one message out of two. The words of the message before tell whether the chain is the
    /// same.
    mutating func entries(
        at indices: [UInt64], after mark: MessageFingerprint?
    ) throws(BridgeClientError) -> [InboxEntry] {
        if let first = indices.first, sizes[first] == nil {
            let asked = indices.prefix(Self.sizeBatch)
            let words = try storage.words(asked.map { layout.message($0, of: member).advanced(by: 1) }, of: first)
            sizes = Dictionary(zip(asked, words)) { $1 }
        }
        let before = storage.areOfOneBlock ? nil : mark
        var slots = before.map { layout.marks($0.index, of: member) } ?? []
        let markCount = slots.count
        var batch: [(index: UInt64, size: Bytes32, payload: Payload, wordCount: Int)] = []
        for index in indices {
            guard let size = sizes[index] else { break }
            let (payload, places) = places(of: index, size: size)
            guard batch.isEmpty || slots.count + places.count <= Self.wordLimit else { break }
            slots += places
            batch.append((index, size, payload, places.count))
        }
        var words = try storage.words(slots, of: batch.first?.index ?? 0)[...]
        if let before {
            let found = layout.mark(before.index, of: member, Array(words.prefix(markCount)))
            guard found == before else { throw .changedMeanwhile(index: before.index) }
        }
        words = words.dropFirst(markCount)
        return try batch.map { index, size, payload, wordCount throws(BridgeClientError) in
            defer { words = words.dropFirst(wordCount) }
            return try entry(index, size: size, payload, Array(words.prefix(wordCount)))
        }
    }

    /// What a size says of the payload, or why the payload is not read.
    private typealias Payload = Result<StorageBytes, BridgeClientError>

    /// What a size means, and the places of a message's words: the sender, the size again, the payload's or, of one
    /// that is not read, the first of it.
    private func places(of index: UInt64, size: Bytes32) -> (Payload, [StorageSlot]) {
        let slot = layout.message(index, of: member)
        guard let stored = layout.bytes(size, at: slot.advanced(by: 1)) else {
            return (.failure(.unknownLayout(bridge)), layout.marks(index, of: member))
        }
        guard stored.count <= maxPayload else {
            let reason = BridgeClientError.payloadTooLarge(count: stored.count, limit: maxPayload)
            return (.failure(reason), layout.marks(index, of: member))
        }
        return (.success(stored), [slot, slot.advanced(by: 1)] + stored.slots)
    }

    private func entry(
        _ index: UInt64, size: Bytes32, _ payload: Payload, _ words: [Bytes32]
    ) throws(BridgeClientError) -> InboxEntry {
        // A sender of zeros is no member: there is no message at this block.
        guard words.count >= 2, words[0] != .zero, words[1] == size else { throw .changedMeanwhile(index: index) }
        switch payload {
        case .success(let stored):
            let payload = stored.bytes(of: words.dropFirst(2))
            return .message(BridgeClient.Message(index: index, from: words[0], payload: payload))
        case .failure(let reason):
            guard let mark = layout.mark(index, of: member, words) else { throw .changedMeanwhile(index: index) }
            return .unreadable(mark, reason)
        }
    }
}

extension InboxEntry {
    /// A message that a node returned whole, unless it exceeds the limit.
    init(_ message: BridgeClient.Message, maxPayload: UInt64) {
        let count = UInt64(message.payload.count)
        self =
            count <= maxPayload
            ? .message(message) : .unreadable(message.mark, .payloadTooLarge(count: count, limit: maxPayload))
    }
}

extension BridgeClient.Message {
    /// - Parameter values: a message as the contract's functions give it.
    init(_ index: UInt64, _ values: [ABIValue]) throws(BridgeClientError) {
        guard values.count == 2, case .fixedBytes(let from) = values[0], case .bytes(let payload) = values[1],
            let from = try? Bytes32(from)
        else { throw .unexpectedAnswer(function: TEEBridge.onboardingMessage.name, reason: "it is not a message") }
        self.init(index: index, from: from, payload: payload)
    }
}
