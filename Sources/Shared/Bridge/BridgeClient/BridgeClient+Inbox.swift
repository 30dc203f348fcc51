import ABI
import EthereumNode
package import Primitives
import TEEBridge

/// How a contract lets its inboxes be read.
enum InboxAccess: Sendable {
    /// By functions that count the messages and give one of them: contracts/TEEBridge.vy.
    case calls
    /// By its storage, laid out as Solidity does it: both deployed versions, whose only function gives the whole inbox,
    /// and fails for good once somebody has posted more than the gas of a call can read.
    case storage
    /// By that function after all: the node shows no storage, or the contract is of another compiler.
    case whole
}

extension BridgeClient {
    /// A poll that finds nothing new is one request; new messages cost requests in proportion to their number.
    package func poll(
        _ member: Bytes32, for fingerprint: MessageFingerprint?, beyond known: UInt64
    ) throws(BridgeClientError) -> InboxSnapshot {
        do throws(BridgeClientError) {
            let newest = try snapshot(of: member, fingerprint)
            guard newest.count > known, access != .whole, case .number(let number) = block.tag(head: newest.head),
                number != newest.head
            else { return newest }
            let deep = try snapshot(of: member, nil, at: .number(number))
            return InboxSnapshot(
                count: max(known, min(deep.count, newest.count)), fingerprint: newest.fingerprint, head: newest.head,
                read: deep.read)
        } catch {
            // Another node may show what this one does not.
            access = nil
            throw error
        }
    }

    /// Asks how many messages there are, and what stands at a fingerprint's place, in one request, after a deep block or
    /// the newest. The first poll asks in all ways, and learns from the answers how the contract is read.
    private func snapshot(
        of member: Bytes32, _ fingerprint: MessageFingerprint?, at deep: BlockTag? = nil
    ) throws(BridgeClientError) -> InboxSnapshot {
        let (isNew, index) = (access == nil, fingerprint?.index)
        let (solidity, vyper) = (StorageLayout.solidity, StorageLayout.vyper)
        var batch = NodeBatch()
        func ask(_ function: ABIFunction) throws(BridgeClientError) -> NodeBatch.Ticket<CallOutcome<[UInt8]>> {
            batch.add(try call(function, [.word(member)], at: deep ?? block.tag(head: nil)))
        }
        func ask(_ slots: [StorageSlot]) -> [NodeBatch.Ticket<Bytes32>] {
            slots.map { batch.add(.storage(of: bridge, at: $0.word, block: deep ?? block.tag(head: nil))) }
        }
        let called = isNew || access == .calls ? try ask(TEEBridge.onboardingCount) : nil
        let calledStart = called == nil ? [] : ask(vyper.fingerprintSlots(index, of: member))
        let stored = isNew || access == .storage ? ask([solidity.inboxSize(of: member)]).first : nil
        let storedStart = stored == nil ? [] : ask(solidity.fingerprintSlots(index, of: member))
        let isMember = isNew && index == nil ? try ask(TEEBridge.isMember) : nil
        let codeId = isMember == nil ? nil : ask([solidity.codeId(of: member)]).first
        // Behind the count, so that its block is not older.
        let newest = batch.add(.blockNumber)
        let answers = try self.ask(batch)
        let head = try answer(to: newest, in: answers)
        let tag = deep ?? block.tag(head: head)
        let outcome = try called.map { ticket throws(BridgeClientError) in try answer(to: ticket, in: answers) }
        let isAnswer = if case .returned(let data)? = outcome { !data.isEmpty } else { false }
        if let outcome, isAnswer || !isNew {
            // The contract may be younger than a block further back.
            let values = isAnswer || deep == nil ? try values(outcome, of: TEEBridge.onboardingCount) : [.uint(0)]
            guard case .uint(let number)? = values.first, let count = number.uint64 else {
                throw .unexpectedAnswer(function: TEEBridge.onboardingCount.name, reason: "the count is too large")
            }
            access = .calls
            var found: MessageFingerprint?
            do throws(BridgeClientError) {
                found = vyper.fingerprint(index, of: member, try self.answers(to: calledStart, in: answers)[...])
            } catch {
                // A node that shows no storage, of a contract that gives the message as well.
                guard error.isRefusal, let index else { throw error }
                if index < count {
                    found = try entries(of: member, at: [index], after: nil, block.tag(head: nil)).first?.fingerprint
                }
            }
            return InboxSnapshot(count: count, fingerprint: found, head: head) {
                indices, before throws(BridgeClientError) in
                try self.entries(of: member, at: indices, after: before, tag)
            }
        }
        guard let stored else { return try wholeInbox(of: member, fingerprint, head: head) }
        let size: Bytes32
        do throws(BridgeClientError) { size = try answer(to: stored, in: answers) } catch {
            // Once the node showed storage, an error is one.
            guard isNew, error.isRefusal else { throw error }
            return try wholeInbox(of: member, fingerprint, head: head)
        }
        guard let count = UInt256(size).uint64 else { throw .unknownLayout(bridge) }
        if count == 0, isNew {
            guard let isMember, let codeId else {
                // There is no message where one was read: the access is learnt as if none had been.
                _ = try snapshot(of: member, nil)
                return try snapshot(of: member, fingerprint)
            }
            // It is empty only if other things are where this layout has them.
            let isKnown = try values(answer(to: isMember, in: answers), of: TEEBridge.isMember) == [.bool(true)]
            if isKnown, try answer(to: codeId, in: answers) == .zero {
                return try wholeInbox(of: member, nil, head: head)
            }
        }
        access = .storage
        var reader = StorageInboxReader(bridge: bridge, layout: solidity, member: member, maxPayload: maxPayload) {
            slots, index throws(BridgeClientError) in try self.words(slots, of: index, at: tag)
        }
        let found = solidity.fingerprint(index, of: member, try self.answers(to: storedStart, in: answers)[...])
        return InboxSnapshot(count: count, fingerprint: found, head: head) {
            indices, before throws(BridgeClientError) in try reader.read(indices, after: before)
        }
    }

    private static let batchSize = 50

    /// Messages of a contract that gives one a call, and in the same request the one that must stand in their chain.
    private func entries(
        of member: Bytes32, at indices: [UInt64], after before: MessageFingerprint?, _ tag: BlockTag
    ) throws(BridgeClientError) -> [InboxEntry] {
        let function = TEEBridge.onboardingMessage
        let asked = (before.map { [$0.index] } ?? []) + indices.prefix(Self.batchSize)
        let outcomes = try ask(
            asked.map { index throws(BridgeClientError) in
                try call(function, [.word(member), .uint(UInt256(index))], at: tag)
            })
        let entries = try zip(asked, outcomes).map { index, outcome throws(BridgeClientError) in
            try InboxEntry(index, .tuple(values(outcome, of: function)), maxPayload: maxPayload)
        }
        guard let before else { return entries }
        guard entries.first?.fingerprint == before else { throw .changedMeanwhile(index: before.index) }
        return Array(entries.dropFirst())
    }

    private func wholeInbox(
        of member: Bytes32, _ fingerprint: MessageFingerprint?, head: UInt64
    ) throws(BridgeClientError) -> InboxSnapshot {
        access = .whole
        let function = TEEBridge.getOnboarding
        let outcome = try ask(call(function, [.word(member)], at: block.tag(head: head)))
        guard case .array(let elements)? = try values(outcome, of: function).first else {
            throw .unexpectedAnswer(function: function.name, reason: "it is not an inbox")
        }
        let entries = try elements.enumerated().map { index, element throws(BridgeClientError) in
            try InboxEntry(UInt64(index), element, maxPayload: maxPayload)
        }
        let found = entries.first { $0.fingerprint.index == fingerprint?.index }?.fingerprint
        return InboxSnapshot(count: UInt64(entries.count), fingerprint: found, head: head) { indices, _ in
            entries.filter { indices.contains($0.fingerprint.index) }
        }
    }

    private static let anchorCount = 6

    /// Words of the contract's storage, as the node shows it. Those of a long message come in several requests, which
    /// different backends may answer: its first words are asked for with each, and must be the same.
    private func words(
        _ slots: [StorageSlot], of index: UInt64, at tag: BlockTag
    ) throws(BridgeClientError) -> [Bytes32] {
        var words: [Bytes32] = []
        while words.count < slots.count {
            let anchors = words.isEmpty ? [] : slots.prefix(Self.anchorCount)
            let asked = anchors + slots[words.count...].prefix(StorageInboxReader.wordLimit - anchors.count)
            let found = try ask(asked.map { .storage(of: bridge, at: $0.word, block: tag) })
            guard found.starts(with: words.prefix(anchors.count)) else { throw .changedMeanwhile(index: index) }
            words += found.dropFirst(anchors.count)
        }
        return words
    }
}
