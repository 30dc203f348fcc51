import ABI
import EthereumNode
package import Primitives
import TEEBridge

/// How a contract lets its inboxes be read.
enum InboxAccess: Sendable {
    /// By functions that count the messages and give one of them: contracts/TEEBridge.vy.
    case calls
    /// By its storage, which is laid out as Solidity does it: both deployed versions, whose only function for it gives
    /// the whole inbox, and fails for good when somebody has posted more than the gas of a call can read.
    case storage
    /// By that function after all: the node does not show storage, or the contract is of another compiler.
    case whole
}

/// A poll that finds nothing new is one request; new messages cost requests in proportion to their number. Both have
/// answers of bounded size, and neither depends on how many messages there are.
extension BridgeClient {
    /// All is read after one block, as far as a number names one: see ``BlockSelector`` and ``StorageInboxReader``.
    package func poll(
        _ member: Bytes32, for fingerprint: MessageFingerprint?, beyond known: UInt64
    ) throws(BridgeClientError) -> InboxSnapshot {
        do throws(BridgeClientError) {
            while true {
                if let snapshot = try snapshot(of: member, fingerprint, beyond: known) { return snapshot }
                // There is no message where one was read: the access is learnt as if none had been.
                _ = try snapshot(of: member, nil, beyond: known)
            }
        } catch {
            // Another node may show what this one does not.
            access = nil
            throw error
        }
    }

    /// Asks how many messages there are, and what stands at a fingerprint's place, in one request.
    ///
    /// Its answer is smaller than a kilobyte whatever the inbox holds. How the contract is to be read need not be
    /// known: the first poll asks in all ways and learns it from the answers.
    /// - Returns: nil if the answers do not tell how the contract is read.
    private func snapshot(
        of member: Bytes32, _ fingerprint: MessageFingerprint?, beyond known: UInt64
    ) throws(BridgeClientError) -> InboxSnapshot? {
        let (tag, isNew) = (block.newestTag, access == nil)
        var batch = NodeBatch()
        func word(_ slot: StorageSlot) -> NodeBatch.Ticket<Bytes32> {
            batch.add(.storage(of: bridge, at: slot.word, block: tag))
        }
        func places(_ layout: StorageLayout) -> [NodeBatch.Ticket<Bytes32>] {
            fingerprint.map { layout.fingerprintSlots($0.index, of: member).map(word) } ?? []
        }
        let count =
            isNew || access == .calls ? batch.add(try call(TEEBridge.onboardingCount, [.word(member)], at: tag)) : nil
        let vyper = count.map { _ in places(.vyper) }
        let size = isNew || access == .storage ? word(StorageLayout.solidity.inboxSize(of: member)) : nil
        let solidity = size.map { _ in places(.solidity) }
        let isMember =
            isNew && fingerprint == nil ? batch.add(try call(TEEBridge.isMember, [.word(member)], at: tag)) : nil
        let codeId = isMember.map { _ in word(StorageLayout.solidity.codeId(of: member)) }
        // Behind the count, so that its block is not older.
        let newest = batch.add(.blockNumber)
        let answers = try ask(batch)
        let head = try answer(to: newest, in: answers)

        func found(
            _ tickets: [NodeBatch.Ticket<Bytes32>]?, _ layout: StorageLayout
        ) throws(BridgeClientError) -> MessageFingerprint? {
            guard let fingerprint, let tickets else { return nil }
            let words = try tickets.map { ticket throws(BridgeClientError) in try answer(to: ticket, in: answers) }
            return layout.fingerprint(fingerprint.index, of: member, words[...])
        }

        if let count, let number = try counted(count, in: answers, isCertain: !isNew) {
            access = .calls
            let messages = CallInboxReader(client: self, member: member, tag: block.tag(head: head))
            var standing: MessageFingerprint?
            do throws(BridgeClientError) { standing = try found(vyper, .vyper) } catch {
                // A node that shows no storage, of a contract that gives the message as well.
                guard error.isRefusal, let index = fingerprint?.index else { throw error }
                let reader = CallInboxReader(client: self, member: member, tag: tag)
                if index < number { standing = try reader.entries(at: [index], after: nil).first?.fingerprint }
            }
            return InboxSnapshot(
                count: try settled(number, of: member, head: head, beyond: known), fingerprint: standing, head: head,
                messages: messages)
        }
        guard let size else { return try wholeInbox(of: member, fingerprint, head: head) }
        let number: UInt64
        do throws(BridgeClientError) {
            guard let size = UInt256(try answer(to: size, in: answers)).uint64 else { throw .unknownLayout(bridge) }
            number = size
        } catch {
            // Once the node showed storage, an error is one.
            guard isNew, error.isRefusal else { throw error }
            return try wholeInbox(of: member, fingerprint, head: head)
        }
        if number == 0, isNew {
            // The first poll of an empty inbox: it is empty only if other things are where this layout has them.
            guard let isMember, let codeId else { return nil }
            let data = try returned(answer(to: isMember, in: answers), by: TEEBridge.isMember)
            let isKnown = try Self.decode(data, of: TEEBridge.isMember) == [.bool(true)]
            if isKnown, try answer(to: codeId, in: answers) == .zero {
                return try wholeInbox(of: member, fingerprint, head: head)
            }
        }
        access = .storage
        let standing = try found(solidity, .solidity)
        let storage = StorageInboxReader(
            bridge: bridge, layout: .solidity, member: member, maxPayload: maxPayload, isOfOneBlock: false
        ) { [tag = block.tag(head: head)] slots, index throws(BridgeClientError) in
            try self.words(slots, of: index, at: tag)
        }
        return InboxSnapshot(
            count: try settled(number, of: member, head: head, beyond: known), fingerprint: standing, head: head,
            messages: storage)
    }

    /// How many messages the contract's own function counts; nil if it has none.
    private func counted(
        _ ticket: NodeBatch.Ticket<CallOutcome<[UInt8]>>, in answers: NodeAnswers, isCertain: Bool
    ) throws(BridgeClientError) -> UInt64? {
        let outcome = try answer(to: ticket, in: answers)
        if !isCertain {
            guard case .returned(let data) = outcome else { return nil }
            guard !data.isEmpty else {
                try requireContract()
                return nil
            }
        }
        let data = try returned(outcome, by: TEEBridge.onboardingCount)
        guard case .uint(let number)? = try Self.decode(data, of: TEEBridge.onboardingCount).first,
            let count = number.uint64
        else { throw .unexpectedAnswer(function: TEEBridge.onboardingCount.name, reason: "the count is too large") }
        return count
    }

    /// How many messages there are after the block that is read, if that is further back than the one that was polled.
    private func settled(
        _ count: UInt64, of member: Bytes32, head: UInt64, beyond known: UInt64
    ) throws(BridgeClientError) -> UInt64 {
        let tag = block.tag(head: head)
        guard count > known, case .number(let number) = tag, number != head else { return count }
        let settled: UInt64?
        if access == .calls {
            var batch = NodeBatch()
            let ticket = batch.add(try call(TEEBridge.onboardingCount, [.word(member)], at: tag))
            // The contract may be younger than the block.
            settled = try counted(ticket, in: ask(batch), isCertain: false) ?? 0
        } else {
            let word = try words([StorageLayout.solidity.inboxSize(of: member)], of: 0, at: tag).first ?? .zero
            settled = UInt256(word).uint64
        }
        return max(known, min(settled ?? .max, count))
    }

    private func wholeInbox(
        of member: Bytes32, _ fingerprint: MessageFingerprint?, head: UInt64
    ) throws(BridgeClientError) -> InboxSnapshot {
        access = .whole
        var batch = NodeBatch()
        let ticket = batch.add(try call(TEEBridge.getOnboarding, [.word(member)], at: block.tag(head: head)))
        let data = try returned(answer(to: ticket, in: ask(batch)), by: TEEBridge.getOnboarding)
        var entries: [InboxEntry] = []
        if case .array(let elements)? = try Self.decode(data, of: TEEBridge.getOnboarding).first {
            entries = try elements.enumerated().map { index, element throws(BridgeClientError) in
                guard case .tuple(let values) = element else {
                    throw .unexpectedAnswer(function: TEEBridge.getOnboarding.name, reason: "it is not a message")
                }
                return try InboxEntry(UInt64(index), values, maxPayload: maxPayload)
            }
        }
        let messages = WholeInboxReader(entries: entries)
        let standing = fingerprint.flatMap { messages.entries(at: [$0.index], after: nil).first?.fingerprint }
        return InboxSnapshot(count: UInt64(entries.count), fingerprint: standing, head: head, messages: messages)
    }

    /// How many of the first words are requested again with each further request for a long message.
    private static let anchorCount = 6

    /// Words of the contract's storage, as the node shows it.
    ///
    /// Those of a long message come in several requests, which different backends may answer. Its first words are
    /// asked for with each of them, and must be the same: it is not made of two.
    private func words(
        _ slots: [StorageSlot], of index: UInt64, at tag: BlockTag
    ) throws(BridgeClientError) -> [Bytes32] {
        var words: [Bytes32] = []
        while words.count < slots.count {
            let anchors = words.isEmpty ? [] : slots.prefix(Self.anchorCount)
            var batch = NodeBatch()
            let tickets = (anchors + slots[words.count...].prefix(StorageInboxReader.wordLimit - anchors.count)).map {
                batch.add(.storage(of: bridge, at: $0.word, block: tag))
            }
            let answers = try ask(batch)
            let found = try tickets.map { ticket throws(BridgeClientError) in try answer(to: ticket, in: answers) }
            guard found.starts(with: words.prefix(anchors.count)) else { throw .changedMeanwhile(index: index) }
            words += found.dropFirst(anchors.count)
        }
        return words
    }
}

extension BridgeClientError {
    /// Whether a node understood a question and would not answer it.
    fileprivate var isRefusal: Bool {
        if case .node(.failed(.response(_, _, _))) = self { true } else { false }
    }
}
