import ABI
import BigInt
import JSONRPC
import Node
import Primitives
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

/// The questions of a poll, all in one request: how many messages there are, and whether the last that was read still
/// stands.
///
/// Their answer is smaller than a kilobyte whatever the inbox holds. How the contract is to be read need not be known:
/// the first poll asks in all ways and learns it from the answers.
struct InboxLook {
    private let member: Bytes32
    private let mark: MessageMark?
    private(set) var batch = NodeBatch()
    private var count: NodeBatch.Ticket<CallOutcome<[UInt8]>>?
    private var size: NodeBatch.Ticket<Bytes32>?
    private var marks: [StorageLayout: [NodeBatch.Ticket<Bytes32>]] = [:]
    private var isMember: NodeBatch.Ticket<CallOutcome<[UInt8]>>?
    private var codeId: NodeBatch.Ticket<Bytes32>?
    private var newest: NodeBatch.Ticket<UInt64>?

    /// - Parameters:
    ///   - mark: the message that is looked for.
    ///   - access: how the contract is read; nil if that is not known.
    init(
        at member: Bytes32, after mark: MessageMark?, by access: InboxAccess?, of client: BridgeClient
    ) throws(BridgeClientError) {
        self.member = member
        self.mark = mark
        let tag = client.block.horizon
        func word(_ slot: StorageSlot) -> NodeQuery<Bytes32> {
            .storage(of: client.bridge, at: slot.word, block: tag)
        }
        if access == nil || access == .calls {
            count = batch.add(try client.call(TEEBridge.onboardingCount, [.word(member)], at: tag))
        }
        if access == nil || access == .storage {
            size = batch.add(word(StorageLayout.solidity.inboxSize(of: member)))
        }
        if let mark {
            for layout in StorageLayout.allCases where access == nil || access == layout.access {
                marks[layout] = layout.marks(mark.index, of: member).map { batch.add(word($0)) }
            }
        } else if access == nil {
            isMember = batch.add(try client.call(TEEBridge.isMember, [.word(member)], at: tag))
            codeId = batch.add(word(StorageLayout.solidity.codeId(of: member)))
        }
        // Behind the count, so that its block is not older.
        if case .newest = client.block { newest = batch.add(.blockNumber) }
    }
}

/// What the answers to a poll say.
struct InboxSight {
    let access: InboxAccess
    /// How many messages there are; none where only the whole inbox can be read.
    let count: UInt64
    /// The mark of what stands where one was looked for; nil for nothing. A failure if the node shows no storage.
    let mark: Result<MessageMark?, BridgeClientError>
    /// The number of the newest block, if it was asked for.
    let newest: UInt64?
}

extension InboxLook {
    /// What the answers say; nil if they do not tell how the contract is read.
    func sight(_ answers: NodeAnswers, of client: BridgeClient) throws(BridgeClientError) -> InboxSight? {
        let newest: UInt64? = if let ticket = self.newest { try client.answer(to: ticket, in: answers) } else { nil }
        if let count = try counted(answers, of: client) {
            return InboxSight(access: .calls, count: count, mark: found(.vyper, answers, of: client), newest: newest)
        }
        let whole = InboxSight(access: .whole, count: 0, mark: .success(nil), newest: newest)
        guard let size else { return whole }
        let word: Bytes32
        do throws(BridgeClientError) { word = try client.answer(to: size, in: answers) } catch {
            // Once the node showed storage, an error is one.
            guard count != nil, error.isRefusal else { throw error }
            return whole
        }
        guard let number = Quantity(word).uint64 else { throw .unknownLayout(client.bridge) }
        if number == 0, count != nil {
            // The first look at an empty inbox: it is empty only if other things are where this layout has them.
            guard let isMember, let codeId else { return nil }
            let answer = try client.returned(client.answer(to: isMember, in: answers), by: TEEBridge.isMember)
            let knowsMember = try BridgeClient.decode(answer, of: TEEBridge.isMember) == [.bool(true)]
            if knowsMember, try client.answer(to: codeId, in: answers) == .zero { return whole }
        }
        return InboxSight(
            access: .storage, count: number, mark: found(.solidity, answers, of: client), newest: newest)
    }

    /// How many messages the contract's own function counts; nil if it has none.
    private func counted(_ answers: NodeAnswers, of client: BridgeClient) throws(BridgeClientError) -> UInt64? {
        guard let count else { return nil }
        let outcome = try client.answer(to: count, in: answers)
        if size != nil {
            guard case .returned(let data) = outcome else { return nil }
            guard !data.isEmpty else {
                try client.requireContract()
                return nil
            }
        }
        let data = try client.returned(outcome, by: TEEBridge.onboardingCount)
        guard case .uint(let number)? = try BridgeClient.decode(data, of: TEEBridge.onboardingCount).first,
            let count = UInt64(exactly: number)
        else { throw .unexpectedAnswer(function: TEEBridge.onboardingCount.name, reason: "the count is too large") }
        return count
    }

    private func found(
        _ layout: StorageLayout, _ answers: NodeAnswers, of client: BridgeClient
    ) -> Result<MessageMark?, BridgeClientError> {
        guard let mark else { return .success(nil) }
        var words: [Bytes32] = []
        for ticket in marks[layout] ?? [] {
            do throws(BridgeClientError) { words.append(try client.answer(to: ticket, in: answers)) } catch {
                return .failure(error)
            }
        }
        return .success(layout.mark(mark.index, of: member, words))
    }
}

extension BridgeClientError {
    /// Whether a node understood a question and would not answer it.
    var isRefusal: Bool {
        if case .node(.failed(.response(_, _, _))) = self { true } else { false }
    }
}

extension StorageLayout {
    /// How a contract of this layout is read.
    var access: InboxAccess { self == .solidity ? .storage : .calls }
}
