import ABI
import Primitives
import TEEBridge

/// Reads an inbox out of a contract's storage, as nodes show or prove it.
struct StorageInboxReader {
    /// The contract, for errors.
    let bridge: Address
    let layout: StorageLayout
    let member: Bytes32
    /// The most bytes of a payload. Longer ones are skipped: anyone can write any length.
    let maxPayload: UInt64
    /// The words at some places, in their order; those of one message, whose index is given, in one request unless it
    /// is long. Throws what asking for them throws.
    let words: (_ slots: [StorageSlot], _ index: UInt64) throws(BridgeClientError) -> [Bytes32]
    /// The size words of the messages that come next.
    var sizes: [UInt64: Bytes32] = [:]

    private static let sizeBatch = 80
    /// How many words are asked for at once; a longer message's are asked for by themselves. Some providers allow a
    /// hundred calls in a request, of which one asks for the chain.
    static let wordLimit = 99

    /// Reads messages: see ``InboxSnapshot/read``. A message's words are asked for together, and its size once more among
    /// them: so a reorganisation between two requests does not make one message out of two. Throws ``BridgeClientError``.
    mutating func read(_ indices: [UInt64], after before: MessageFingerprint?) throws(BridgeClientError) -> [InboxEntry]
    {
        if let first = indices.first, sizes[first] == nil {
            let asked = indices.prefix(Self.sizeBatch)
            sizes = Dictionary(zip(asked, try words(asked.map { layout.size($0, of: member) }, first))) { $1 }
        }
        var slots = layout.fingerprintSlots(before?.index, of: member)
        var parts: [(index: UInt64, size: Bytes32, bytes: DynamicBytes?, places: Range<Int>)] = []
        for index in indices {
            guard let size = sizes[index] else { break }
            let bytes = layout.bytes(size, at: layout.size(index, of: member))
            var places = layout.fingerprintSlots(index, of: member)
            if let bytes, bytes.count <= maxPayload { places = places.prefix(2) + bytes.slots }
            guard parts.isEmpty || slots.count + places.count <= Self.wordLimit else { break }
            parts.append((index, size, bytes, slots.count..<(slots.count + places.count)))
            slots += places
        }
        let words = try words(slots, parts.first?.index ?? 0)
        if let before, layout.fingerprint(before.index, of: member, words.prefix(3)) != before {
            throw .changedMeanwhile(index: before.index)
        }
        return try parts.map { index, size, bytes, places throws(BridgeClientError) in
            let words = words[places]
            // Without a sender there is no message at this block.
            guard words.dropFirst().first == size, let from = words.first,
                let fingerprint = layout.fingerprint(index, of: member, words)
            else { throw .changedMeanwhile(index: index) }
            guard let bytes else {
                return InboxEntry(fingerprint: fingerprint, from: from, payload: .failure(.unknownLayout(bridge)))
            }
            return InboxEntry(
                fingerprint, from: from, count: bytes.count, limit: maxPayload, bytes.bytes(of: words.dropFirst(2)))
        }
    }
}

extension InboxEntry {
    /// A message, without its payload if that exceeds the limit.
    fileprivate init(
        _ fingerprint: MessageFingerprint, from: Bytes32, count: UInt64, limit: UInt64,
        _ payload: @autoclosure () -> [UInt8]
    ) {
        self.init(
            fingerprint: fingerprint, from: from,
            payload: count <= limit ? .success(payload()) : .failure(.payloadTooLarge(count: count, limit: limit)))
    }

    /// A message as the contract's functions give it. Throws ``BridgeClientError`` for a value of another type.
    init(_ index: UInt64, _ value: ABIValue, maxPayload: UInt64) throws(BridgeClientError) {
        guard case .tuple(let values) = value, values.count == 2, case .fixedBytes(let from)? = values.first,
            case .bytes(let payload)? = values.last, let from = try? Bytes32(from)
        else { throw .unexpectedAnswer(function: TEEBridge.onboardingMessage.name, reason: "it is not a message") }
        let count = UInt64(payload.count)
        let fingerprint = MessageFingerprint(index: index, from: from, count: count, start: payload)
        self.init(fingerprint, from: from, count: count, limit: maxPayload, payload)
    }
}
