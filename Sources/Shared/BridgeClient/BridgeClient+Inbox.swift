import ABI
import BigInt
import Node
package import Primitives
import TEEBridge

/// A look that finds nothing new is one request; so many new messages cost requests in proportion to them. Both have
/// answers of bounded size, and neither depends on how many messages there are.
extension BridgeClient {
    /// How many messages are asked for in one request of calls.
    private static let batchSize: UInt64 = 50

    /// All is read after one block, as far as a number names one: see ``ReadingBlock`` and ``StoredInbox``.
    package func forEachMessage(
        of member: Bytes32, from first: UInt64, after mark: MessageMark?, _ body: (Message) throws -> Void,
        unread: (_ index: UInt64, _ reason: BridgeClientError) throws -> Void
    ) throws {
        let sight = try look(at: member, after: mark)
        if sight.access == .whole {
            let messages = try wholeInbox(of: member, at: tag(newest: sight.newest))
            let found = mark.flatMap { Int(exactly: $0.index) }.flatMap { messages.dropFirst($0).first?.mark }
            try mark?.check(found, count: UInt64(messages.count), first: first)
            for message in messages.dropFirst(Int(clamping: first)) { try body(message) }
            return
        }
        try check(mark, sight, of: member, first: first)
        guard first < sight.count else { return }
        let tag = tag(newest: sight.newest)
        let count = try settledCount(sight, of: member, at: tag)
        guard first < count else { return }
        if sight.access == .calls {
            try forEachCalledMessage(of: member, in: first..<count, at: tag, body)
        } else {
            let stored = StoredInbox(
                bridge: bridge, layout: .solidity, member: member, maxPayload: VerifiedBridge.defaultMaxPayload)
            try stored.forEachMessage(
                in: first..<count,
                words: { slots throws(BridgeClientError) in try words(slots, at: tag) }, body, unread: unread)
        }
    }

    /// How many messages there are, and what stands at a mark's place.
    private func look(at member: Bytes32, after mark: MessageMark?) throws(BridgeClientError) -> InboxSight {
        do throws(BridgeClientError) {
            while true {
                let look = try InboxLook(at: member, after: mark, by: access, of: self)
                if let sight = try look.sight(ask(look.batch), of: self) {
                    access = sight.access
                    return sight
                }
                // There is not a message where one was read: so it is asked as if none had been.
                access = try self.look(at: member, after: nil).access
            }
        } catch {
            // Another node may show what this one does not.
            access = nil
            throw error
        }
    }

    private func check(
        _ mark: MessageMark?, _ sight: InboxSight, of member: Bytes32, first: UInt64
    ) throws(BridgeClientError) {
        guard let mark else { return }
        var found = sight.mark
        // A node that shows no storage, of a contract that gives the message as well.
        if case .failure(let error) = found, error.isRefusal, sight.access == .calls, mark.index < sight.count {
            found = .success(try messages(of: member, [mark.index], at: block.horizon).first?.mark)
        }
        try mark.check(found.get(), count: sight.count, first: first)
    }

    /// The block that is read.
    private func tag(newest: UInt64?) -> BlockTag {
        guard case .newest(let confirmations) = block, let newest else { return block.horizon }
        return .number(newest - min(newest, max(confirmations, 1) - 1))
    }

    /// How many messages there are after the block that is read, if that is further back than where it was looked.
    private func settledCount(
        _ sight: InboxSight, of member: Bytes32, at tag: BlockTag
    ) throws(BridgeClientError) -> UInt64 {
        guard case .number(let number) = tag, number != sight.newest else { return sight.count }
        guard sight.access == .calls else {
            let word = try words([StorageLayout.solidity.inboxSize(of: member)], at: tag).first ?? .zero
            return min(Quantity(word).uint64 ?? .max, sight.count)
        }
        var batch = NodeBatch()
        let ticket = batch.add(try call(TEEBridge.onboardingCount, [.word(member)], at: tag))
        let data = try returned(answer(to: ticket, in: ask(batch)), by: TEEBridge.onboardingCount)
        // The contract may be younger than the block.
        guard !data.isEmpty, case .uint(let number)? = try Self.decode(data, of: TEEBridge.onboardingCount).first
        else { return 0 }
        return min(UInt64(clamping: number), sight.count)
    }

    private func words(_ slots: [StorageSlot], at tag: BlockTag) throws(BridgeClientError) -> [Bytes32] {
        var words: [Bytes32] = []
        while words.count < slots.count {
            var batch = NodeBatch()
            let tickets = slots[words.count...].prefix(StoredInbox.wordLimit).map {
                batch.add(.storage(of: bridge, at: $0.word, block: tag))
            }
            let answers = try ask(batch)
            for ticket in tickets { words.append(try answer(to: ticket, in: answers)) }
        }
        return words
    }

    private func forEachCalledMessage(
        of member: Bytes32, in range: Range<UInt64>, at tag: BlockTag, _ body: (Message) throws -> Void
    ) throws {
        var next = range.lowerBound
        while next < range.upperBound {
            let end = next + min(Self.batchSize, range.upperBound - next)
            for message in try messages(of: member, Array(next..<end), at: tag) { try body(message) }
            next = end
        }
    }

    private func messages(
        of member: Bytes32, _ indices: [UInt64], at tag: BlockTag
    ) throws(BridgeClientError) -> [Message] {
        var batch = NodeBatch()
        var tickets: [(index: UInt64, NodeBatch.Ticket<CallOutcome<[UInt8]>>)] = []
        for index in indices {
            let call = try call(TEEBridge.onboardingMessage, [.word(member), .uint(BigUInt(index))], at: tag)
            tickets.append((index, batch.add(call)))
        }
        let answers = try ask(batch)
        return try tickets.map { index, ticket throws(BridgeClientError) in
            let data = try returned(answer(to: ticket, in: answers), by: TEEBridge.onboardingMessage)
            return try Self.message(index, Self.decode(data, of: TEEBridge.onboardingMessage))
        }
    }

    private func wholeInbox(of member: Bytes32, at tag: BlockTag) throws(BridgeClientError) -> [Message] {
        var batch = NodeBatch()
        let ticket = batch.add(try call(TEEBridge.getOnboarding, [.word(member)], at: tag))
        let data = try returned(answer(to: ticket, in: ask(batch)), by: TEEBridge.getOnboarding)
        guard case .array(let elements)? = try Self.decode(data, of: TEEBridge.getOnboarding).first else { return [] }
        return try elements.enumerated().map { index, element throws(BridgeClientError) in
            guard case .tuple(let values) = element else { throw Self.noMessage(TEEBridge.getOnboarding) }
            return try Self.message(UInt64(index), values)
        }
    }

    private static func message(_ index: UInt64, _ values: [ABIValue]) throws(BridgeClientError) -> Message {
        guard values.count == 2, case .fixedBytes(let from) = values[0], case .bytes(let payload) = values[1],
            let from = try? Bytes32(from)
        else { throw noMessage(TEEBridge.onboardingMessage) }
        return Message(index: index, from: from, payload: payload)
    }

    private static func noMessage(_ function: ABIFunction) -> BridgeClientError {
        .unexpectedAnswer(function: function.name, reason: "it is no message")
    }
}
