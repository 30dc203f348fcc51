import ABI
package import EthereumNode
package import Primitives
package import Secp256k1
import TEEBridge

/// Reads a TEEBridge contract through a node that is not trusted more than need be.
package final class BridgeClient: BridgeReader {
    let node: EthereumNode
    /// The contract.
    package let bridge: Address
    private let chainId: UInt64?
    /// The chain that the node said it is of when it was asked first.
    private var nodeChainId: UInt64?
    /// After which block inboxes are read.
    let block: BlockSelector
    /// The most bytes of a message that is read; longer ones are skipped.
    let maxPayload: UInt64
    /// How the contract lets its inboxes be read, once that is known.
    var access: InboxAccess?

    /// - Parameters:
    ///   - chainId: the chain that the operator named; any, if nil.
    ///   - block: after which block inboxes are read.
    ///   - maxPayload: the most bytes of a message. What is longer is not read, but passed over.
    package init(
        _ node: EthereumNode, bridge: Address, chainId: UInt64?, block: BlockSelector = .latest,
        maxPayload: UInt64 = BridgeClient.defaultMaxPayload
    ) {
        self.node = node
        self.bridge = bridge
        self.chainId = chainId
        self.block = block
        self.maxPayload = maxPayload
    }

    /// The default limit of a payload, in bytes.
    package static let defaultMaxPayload: UInt64 = 65_536

    /// The chain of the contract: the one that the operator named, or the node's.
    ///
    /// - Throws: ``BridgeClientError``.
    package func chain() throws(BridgeClientError) -> UInt64 {
        if let known = chainId ?? nodeChainId { return known }
        return try ask(.chainId)
    }

    /// The number of members queried in one request.
    private static let membersAtOnce = 100

    /// The public keys of members, in their order.
    ///
    /// A key is the member's whatever the node says: a member id is the key's hash.
    /// - Throws: ``BridgeClientError`` for the first that has none.
    package func publicKeys(of members: [Bytes32]) throws(BridgeClientError) -> [PublicKey] {
        var keys: [PublicKey] = []
        while keys.count < members.count {
            let asked = members.dropFirst(keys.count).prefix(Self.membersAtOnce)
            let outcomes = try ask(
                asked.map { member throws(BridgeClientError) in
                    try call(TEEBridge.getMember, [.word(member)], at: .latest)
                })
            for (member, outcome) in zip(asked, outcomes) { keys.append(try key(of: member, in: outcome)) }
        }
        return keys
    }

    private func key(
        of member: Bytes32, in outcome: CallOutcome<[UInt8]>
    ) throws(BridgeClientError) -> PublicKey {
        let data = try returned(outcome, by: TEEBridge.getMember)
        let bytes = try Self.key(inMember: data)
        guard !bytes.isEmpty else { throw .notAMember(member) }
        guard Keccak256.hash(bytes) == member, let key = try? PublicKey(bytes) else {
            throw .foreignKey(member: member)
        }
        return key
    }

    /// The key in an answer of getMember, which both versions of the contract have under the same selector.
    ///
    /// The offset of the key tells them apart, and where the strict encoding of one could be that of the other, the
    /// key's hash would not be the member's id.
    private static func key(inMember data: [UInt8]) throws(BridgeClientError) -> [UInt8] {
        if let values = try? TEEBridge.getMemberV2.decodeResult(data), values.count == 5,
            case .bytes(let key) = values[2]
        {
            return key
        }
        guard case .bytes(let key)? = try decode(data, of: TEEBridge.getMember).dropFirst().first else {
            throw .unexpectedAnswer(function: TEEBridge.getMember.name, reason: "it has no key")
        }
        return key
    }
}

extension BridgeClient {
    /// Asks the questions of a batch, and of which chain the node is: another may have taken over since the last one.
    ///
    /// - Throws: ``BridgeClientError/node(_:)``, ``BridgeClientError/wrongChain(expected:actual:)``.
    func ask(_ batch: NodeBatch) throws(BridgeClientError) -> NodeAnswers {
        var batch = batch
        let ticket = batch.add(.chainId)
        let answers: NodeAnswers
        do throws(NodeError) { answers = try node.ask(batch) } catch { throw .node(error) }
        let actual = try answer(to: ticket, in: answers)
        if let expected = chainId ?? nodeChainId, expected != actual {
            throw .wrongChain(expected: expected, actual: actual)
        }
        nodeChainId = actual
        return answers
    }

    /// Asks questions of one kind in one request: see ``ask(_:)-(NodeBatch)``.
    ///
    /// - Throws: ``BridgeClientError`` for the first that has no answer.
    func ask<Answer>(_ queries: [NodeQuery<Answer>]) throws(BridgeClientError) -> [Answer] {
        var batch = NodeBatch()
        let tickets = queries.map { batch.add($0) }
        return try answers(to: tickets, in: ask(batch))
    }

    /// Asks one question: see ``ask(_:)-(NodeBatch)``.
    ///
    /// - Throws: ``BridgeClientError``.
    func ask<Answer>(_ query: NodeQuery<Answer>) throws(BridgeClientError) -> Answer {
        var batch = NodeBatch()
        let ticket = batch.add(query)
        return try answer(to: ticket, in: ask(batch))
    }

    /// The answer to one question of a batch.
    ///
    /// - Throws: ``BridgeClientError/node(_:)``.
    func answer<Answer>(
        to ticket: NodeBatch.Ticket<Answer>, in answers: NodeAnswers
    ) throws(BridgeClientError) -> Answer {
        do throws(NodeError) { return try answers.answer(to: ticket) } catch { throw .node(error) }
    }

    /// The answers to some questions of a batch.
    ///
    /// - Throws: ``BridgeClientError/node(_:)`` for the first that has none.
    func answers<Answer>(
        to tickets: [NodeBatch.Ticket<Answer>], in answers: NodeAnswers
    ) throws(BridgeClientError) -> [Answer] {
        try tickets.map { ticket throws(BridgeClientError) in try answer(to: ticket, in: answers) }
    }

    /// A call of a function of the contract.
    ///
    /// - Throws: ``BridgeClientError`` for arguments that the function does not take.
    func call(
        _ function: ABIFunction, _ arguments: [ABIValue], at block: BlockTag
    ) throws(BridgeClientError) -> NodeQuery<CallOutcome<[UInt8]>> {
        do throws(ABIError) {
            return .call(CallRequest(to: bridge, data: try function.encodeCall(arguments)), at: block)
        } catch { throw .unexpectedAnswer(function: function.name, reason: error.description) }
    }

    /// What a call returned.
    ///
    /// - Throws: ``BridgeClientError`` for a call that reverted; ``BridgeClientError/noContract(_:)``.
    private func returned(
        _ outcome: CallOutcome<[UInt8]>, by function: ABIFunction
    ) throws(BridgeClientError) -> [UInt8] {
        switch outcome {
        case .returned(let data):
            // An answer without a byte leaves open whether there is a contract.
            if data.isEmpty, try ask(.code(of: bridge, at: .latest)).isEmpty { throw .noContract(bridge) }
            return data
        case .reverted(let data):
            throw .unexpectedAnswer(
                function: function.name, reason: "it reverted: \(TEEBridge.answers.decodeRevert(data))")
        }
    }

    /// The values that a call returned.
    ///
    /// - Throws: ``BridgeClientError`` for a call that reverted, and for data that does not decode.
    func values(
        _ outcome: CallOutcome<[UInt8]>, of function: ABIFunction
    ) throws(BridgeClientError) -> [ABIValue] { try Self.decode(returned(outcome, by: function), of: function) }

    private static func decode(_ data: [UInt8], of function: ABIFunction) throws(BridgeClientError) -> [ABIValue] {
        do throws(ABIError) { return try function.decodeResult(data) } catch {
            throw .unexpectedAnswer(function: function.name, reason: error.description)
        }
    }
}

/// After which block an inbox is read: the newer, the sooner a message is seen; the older, the surer it stays.
package enum BlockSelector: Sendable, Equatable {
    /// The newest block with this many confirmations, itself counted: 1 is the newest of all. At least 1.
    case newest(confirmations: UInt64)
    /// The newest block that the consensus holds for safe, as the node tells it.
    case safe
    /// The newest block that the consensus will not go back on, as the node tells it.
    case finalized

    /// The newest block of all.
    package static let latest = BlockSelector.newest(confirmations: 1)

    /// The block that messages are read at, where the newest has a number; nil for the newest state that can matter:
    /// what is absent has not been posted, or has too few confirmations.
    func tag(head: UInt64?) -> BlockTag {
        switch self {
        case .newest(let confirmations): head.map { .number($0 - min($0, max(confirmations, 1) - 1)) } ?? .latest
        case .safe: .safe
        case .finalized: .finalized
        }
    }
}
