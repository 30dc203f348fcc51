import ABI
import BigInt
package import Node
package import Primitives
package import Secp256k1
import TEEBridge

/// Reads a TEEBridge contract through a node that is not trusted more than need be.
package final class BridgeClient {
    private let node: Node
    /// The contract.
    package let bridge: Address
    private let chainId: UInt64?
    /// The chain that the node said it is of when it was asked last.
    private var nodeChainId: UInt64?

    /// - Parameter chainId: the chain that the operator named; any, if nil.
    package init(_ node: Node, bridge: Address, chainId: UInt64?) {
        self.node = node
        self.bridge = bridge
        self.chainId = chainId
    }

    /// The chain of the contract: the one that the operator named, else the one that the node says it is of.
    ///
    /// - Throws: `NodeError`.
    package func chain() throws(NodeError) -> UInt64 {
        if let known = chainId ?? nodeChainId { return known }
        let actual = try node.ask(.chainId)
        nodeChainId = actual
        return actual
    }

    /// A member's public key.
    ///
    /// The key is the member's whatever the node says: a member id is the key's hash.
    /// - Throws: ``BridgeClientError``, `NodeError`.
    package func publicKey(of member: Bytes32) throws -> PublicKey {
        let values = try ask(TEEBridge.getMember, [.word(member)])
        guard case .bytes(let bytes)? = values.dropFirst().first else {
            throw BridgeClientError.unexpectedAnswer(function: TEEBridge.getMember.name, reason: "it has no key")
        }
        guard !bytes.isEmpty else { throw BridgeClientError.notAMember(member) }
        guard Keccak256.hash(bytes) == member, let key = try? PublicKey(bytes) else {
            throw BridgeClientError.foreignKey(member: member)
        }
        return key
    }

    /// One message of an inbox.
    package struct Message: Equatable, Sendable {
        /// The message's place in the inbox, from 0.
        package let index: UInt64
        /// The member that it is said to come from; anybody may have written that.
        package let from: Bytes32
        /// The sealed bytes.
        package let payload: [UInt8]
    }

    /// How many messages are asked for in one request.
    private static let batchSize: UInt64 = 50

    /// The messages of a member's inbox from an index on, in their order.
    ///
    /// Read one by one where the contract offers it, so that their number is no obstacle; else all at once.
    /// - Parameter body: called with each message as soon as it was read.
    /// - Throws: ``BridgeClientError``, `NodeError`, and what `body` throws.
    package func forEachMessage(
        of member: Bytes32, from first: UInt64, _ body: (Message) throws -> Void
    ) throws {
        guard let count = try count(of: member) else {
            for message in try wholeInbox(of: member).dropFirst(Int(clamping: first)) { try body(message) }
            return
        }
        var next = first
        while next < count {
            let end = min(next + Self.batchSize, count)
            for message in try messages(of: member, Array(next..<end)) { try body(message) }
            next = end
        }
    }

    /// How many messages an inbox has; nil for a contract that does not tell.
    private func count(of member: Bytes32) throws -> UInt64? {
        let outcome = try outcome(of: TEEBridge.onboardingCount, [.word(member)])
        guard case .returned(let data) = outcome, !data.isEmpty else { return nil }
        guard case .uint(let number)? = try decode(data, of: TEEBridge.onboardingCount).first,
            let count = UInt64(exactly: number)
        else {
            throw BridgeClientError.unexpectedAnswer(
                function: TEEBridge.onboardingCount.name, reason: "the count is too large")
        }
        return count
    }

    private func messages(of member: Bytes32, _ indices: [UInt64]) throws -> [Message] {
        var batch = NodeBatch()
        let tickets = try indices.map { index in
            let data = try TEEBridge.onboardingMessage.encodeCall([.word(member), .uint(.init(index))])
            return batch.add(.call(CallRequest(to: bridge, data: data), at: .latest))
        }
        let answers = try node.ask(batch)
        return try zip(indices, tickets).map { index, ticket in
            let data = try returned(answers.answer(to: ticket), by: TEEBridge.onboardingMessage)
            return try Self.message(index, decode(data, of: TEEBridge.onboardingMessage))
        }
    }

    private func wholeInbox(of member: Bytes32) throws -> [Message] {
        guard case .array(let elements)? = try ask(TEEBridge.getOnboarding, [.word(member)]).first else { return [] }
        return try elements.enumerated().map { index, element in
            guard case .tuple(let values) = element else {
                throw BridgeClientError.unexpectedAnswer(function: TEEBridge.getOnboarding.name, reason: "no message")
            }
            return try Self.message(UInt64(index), values)
        }
    }

    private static func message(_ index: UInt64, _ values: [ABIValue]) throws -> Message {
        guard values.count == 2, case .fixedBytes(let from) = values[0], case .bytes(let payload) = values[1] else {
            throw BridgeClientError.unexpectedAnswer(
                function: TEEBridge.onboardingMessage.name, reason: "it is no message")
        }
        return Message(index: index, from: try Bytes32(from), payload: payload)
    }

    /// What a function returns, after making sure that the node is of the right chain and the contract is there.
    private func ask(_ function: ABIFunction, _ arguments: [ABIValue]) throws -> [ABIValue] {
        try decode(returned(outcome(of: function, arguments), by: function), of: function)
    }

    private func outcome(of function: ABIFunction, _ arguments: [ABIValue]) throws -> CallOutcome<[UInt8]> {
        var batch = NodeBatch()
        let chainTicket = batch.add(.chainId)
        let codeTicket = batch.add(.code(of: bridge, at: .latest))
        let call = CallRequest(to: bridge, data: try function.encodeCall(arguments))
        let callTicket = batch.add(.call(call, at: .latest))
        let answers = try node.ask(batch)
        let actual = try answers.answer(to: chainTicket)
        if let chainId, chainId != actual { throw BridgeClientError.wrongChain(expected: chainId, actual: actual) }
        nodeChainId = actual
        guard try !answers.answer(to: codeTicket).isEmpty else { throw BridgeClientError.noContract(bridge) }
        return try answers.answer(to: callTicket)
    }

    private func returned(_ outcome: CallOutcome<[UInt8]>, by function: ABIFunction) throws -> [UInt8] {
        switch outcome {
        case .returned(let data): return data
        case .reverted(let data):
            throw BridgeClientError.unexpectedAnswer(
                function: function.name, reason: "it reverted: \(TEEBridge.answers.decodeRevert(data))")
        }
    }

    private func decode(_ data: [UInt8], of function: ABIFunction) throws -> [ABIValue] {
        do throws(ABIError) { return try function.decodeResult(data) } catch {
            throw BridgeClientError.unexpectedAnswer(function: function.name, reason: error.description)
        }
    }
}
