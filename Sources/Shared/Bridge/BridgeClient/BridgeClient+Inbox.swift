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

/// A look that finds nothing new is one request; so many new messages cost requests in proportion to them. Both have
/// answers of bounded size, and neither depends on how many messages there are.
extension BridgeClient {
    /// All is read after one block, as far as a number names one: see ``BlockSelector`` and ``StorageInbox``.
    package func look(
        at member: Bytes32, for mark: MessageFingerprint?, beyond known: UInt64
    ) throws(BridgeClientError) -> InboxSnapshot {
        do throws(BridgeClientError) {
            while true {
                if let snapshot = try poll(member, mark, beyond: known) { return snapshot }
                // There is not a message where one was read: so it is asked as if none had been, to learn the access.
                let snapshot = try poll(member, mark, asksForMark: false, beyond: known)
                if access == .whole, let snapshot { return snapshot }
            }
        } catch {
            // Another node may show what this one does not.
            access = nil
            throw error
        }
    }

    /// The questions of a look, all in one request: how many messages there are, and what stands at a mark's place.
    ///
    /// Their answer is smaller than a kilobyte whatever the inbox holds. How the contract is to be read need not be
    /// known: the first look asks in all ways and learns it from the answers.
    /// - Returns: nil if the answers do not tell how the contract is read.
    private func poll(
        _ member: Bytes32, _ mark: MessageFingerprint?, asksForMark: Bool = true, beyond known: UInt64
    ) throws(BridgeClientError) -> InboxSnapshot? {
        let tag = block.newestTag
        let asksForMark = asksForMark && mark != nil
        func word(_ slot: StorageSlot) -> NodeQuery<Bytes32> { .storage(of: bridge, at: slot.word, block: tag) }
        let isNew = access == nil
        var batch = NodeBatch()
        let count =
            isNew || access == .calls ? batch.add(try call(TEEBridge.onboardingCount, [.word(member)], at: tag)) : nil
        let size = isNew || access == .storage ? batch.add(word(StorageLayout.solidity.inboxSize(of: member))) : nil
        var places: [StorageLayout: [NodeBatch.Ticket<Bytes32>]] = [:]
        if let mark, asksForMark {
            for layout in StorageLayout.allCases where isNew || access == layout.access {
                places[layout] = layout.marks(mark.index, of: member).map { batch.add(word($0)) }
            }
        }
        let isMember =
            isNew && !asksForMark ? batch.add(try call(TEEBridge.isMember, [.word(member)], at: tag)) : nil
        let codeId = isNew && !asksForMark ? batch.add(word(StorageLayout.solidity.codeId(of: member))) : nil
        // Behind the count, so that its block is not older.
        let newest = batch.add(.blockNumber)
        let answers = try ask(batch)
        let head = try answer(to: newest, in: answers)

        func found(_ layout: StorageLayout) throws(BridgeClientError) -> MessageFingerprint? {
            guard let mark, asksForMark else { return nil }
            var words: [Bytes32] = []
            for ticket in places[layout] ?? [] { words.append(try answer(to: ticket, in: answers)) }
            return layout.mark(mark.index, of: member, words)
        }

        if let count, let number = try counted(count, in: answers, isCertain: size == nil) {
            access = .calls
            var standing: MessageFingerprint?
            do throws(BridgeClientError) { standing = try found(.vyper) } catch {
                // A node that shows no storage, of a contract that gives the message as well.
                guard error.isRefusal, let mark else { throw error }
                if mark.index < number {
                    standing = try CalledInbox(client: self, member: member, tag: tag).messages(at: [mark.index]).first?
                        .mark
                }
            }
            return try snapshot(of: member, count: number, standing, head: head, beyond: known)
        }
        guard let size else { return try wholeInbox(of: member, mark, head: head) }
        let sizeWord: Bytes32
        do throws(BridgeClientError) { sizeWord = try answer(to: size, in: answers) } catch {
            // Once the node showed storage, an error is one.
            guard isNew, error.isRefusal else { throw error }
            return try wholeInbox(of: member, mark, head: head)
        }
        guard let number = Quantity(sizeWord).uint64 else { throw .unknownLayout(bridge) }
        if number == 0, isNew {
            // The first look at an empty inbox: it is empty only if other things are where this layout has them.
            guard let isMember, let codeId else { return nil }
            let data = try returned(answer(to: isMember, in: answers), by: TEEBridge.isMember)
            let knowsMember = try Self.decode(data, of: TEEBridge.isMember) == [.bool(true)]
            if knowsMember, try answer(to: codeId, in: answers) == .zero {
                return try wholeInbox(of: member, mark, head: head)
            }
        }
        access = .storage
        return try snapshot(of: member, count: number, found(.solidity), head: head, beyond: known)
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
            let count = UInt64(exactly: number)
        else { throw .unexpectedAnswer(function: TEEBridge.onboardingCount.name, reason: "the count is too large") }
        return count
    }

    private func snapshot(
        of member: Bytes32, count: UInt64, _ mark: MessageFingerprint?, head: UInt64, beyond known: UInt64
    ) throws(BridgeClientError) -> InboxSnapshot {
        let tag = block.tag(head: head)
        let count = count > known ? max(known, try settledCount(count, of: member, head: head)) : count
        let source: any MessageSource =
            access == .calls
            ? CalledInbox(client: self, member: member, tag: tag)
            : StorageInbox(
                bridge, .solidity, of: member, maxPayload: maxPayload, in: NodeStorage(client: self, tag: tag))
        return InboxSnapshot(count: count, mark: mark, head: head, source: source)
    }

    /// How many messages there are after the block that is read, if that is further back than where it was looked.
    private func settledCount(
        _ count: UInt64, of member: Bytes32, head: UInt64
    ) throws(BridgeClientError) -> UInt64 {
        let tag = block.tag(head: head)
        guard case .number(let number) = tag, number != head else { return count }
        guard access == .calls else {
            let slot = StorageLayout.solidity.inboxSize(of: member)
            let word = try NodeStorage(client: self, tag: tag).words([slot], of: 0).first ?? .zero
            return min(Quantity(word).uint64 ?? .max, count)
        }
        var batch = NodeBatch()
        let ticket = batch.add(try call(TEEBridge.onboardingCount, [.word(member)], at: tag))
        let data = try returned(answer(to: ticket, in: ask(batch)), by: TEEBridge.onboardingCount)
        // The contract may be younger than the block.
        guard !data.isEmpty, case .uint(let number)? = try Self.decode(data, of: TEEBridge.onboardingCount).first
        else { return 0 }
        return min(UInt64(clamping: number), count)
    }

    private func wholeInbox(
        of member: Bytes32, _ mark: MessageFingerprint?, head: UInt64
    ) throws(BridgeClientError) -> InboxSnapshot {
        access = .whole
        var batch = NodeBatch()
        let ticket = batch.add(try call(TEEBridge.getOnboarding, [.word(member)], at: block.tag(head: head)))
        let data = try returned(answer(to: ticket, in: ask(batch)), by: TEEBridge.getOnboarding)
        var messages: [Message] = []
        if case .array(let elements)? = try Self.decode(data, of: TEEBridge.getOnboarding).first {
            messages = try elements.enumerated().map { index, element throws(BridgeClientError) in
                guard case .tuple(let values) = element else {
                    throw .unexpectedAnswer(function: TEEBridge.getOnboarding.name, reason: "it is not a message")
                }
                return try Message(UInt64(index), values)
            }
        }
        let found = mark.flatMap { Int(exactly: $0.index) }.flatMap { messages.dropFirst($0).first?.mark }
        return InboxSnapshot(
            count: UInt64(messages.count), mark: found, head: head,
            source: WholeInbox(messages: messages, maxPayload: maxPayload))
    }
}

/// A contract's storage as a node shows it.
private struct NodeStorage: StorageWords {
    let client: BridgeClient
    let tag: BlockTag

    var areOfOneBlock: Bool { false }

    /// How many of the first words are requested again with each further request for a long message.
    private static let anchorCount = 6

    /// The words of a long message come in several requests, which different backends may answer. Its first words are
    /// asked for with each of them, and must be the same: it is not made of two.
    func words(_ slots: [StorageSlot], of index: UInt64) throws(BridgeClientError) -> [Bytes32] {
        var words: [Bytes32] = []
        while words.count < slots.count {
            let anchors = words.isEmpty ? [] : slots.prefix(Self.anchorCount)
            var batch = NodeBatch()
            let tickets = (anchors + slots[words.count...].prefix(StorageInbox.wordLimit - anchors.count)).map {
                batch.add(.storage(of: client.bridge, at: $0.word, block: tag))
            }
            let answers = try client.ask(batch)
            var found: [Bytes32] = []
            for ticket in tickets { found.append(try client.answer(to: ticket, in: answers)) }
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

extension StorageLayout {
    /// How a contract of this layout is read.
    fileprivate var access: InboxAccess { self == .solidity ? .storage : .calls }
}
