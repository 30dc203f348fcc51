package import BridgeClient
import ECIES
package import Envelope
package import Primitives
package import Secp256k1
import Secrets

/// A member's inbox, opened with the member's key.
package final class Inbox {
    private let client: any BridgeReader
    private let key: SecretKey
    private let requiresAuthentication: Bool
    private var chainId: UInt64?
    /// The member that the key makes.
    package let member: Bytes32
    /// The signed messages that were delivered: none of them is delivered again.
    package private(set) var seen: SeenMessages

    /// - Parameters:
    ///   - requiresAuthentication: whether plain messages are refused.
    ///   - seen: the signed messages that were delivered before.
    package init(
        _ client: any BridgeReader, key: consuming SecretKey, requiresAuthentication: Bool = false,
        seen: SeenMessages = SeenMessages()
    ) {
        self.client = client
        self.requiresAuthentication = requiresAuthentication
        self.seen = seen
        member = key.publicKey.memberId
        self.key = key
    }

    /// Where it stands.
    ///
    /// - Throws: what the nodes' answers fail with, where no operator named the chain.
    package func address() throws -> InboxAddress {
        InboxAddress(chainId: try chain(), bridge: client.bridge, member: member)
    }

    /// Thrown by who should deliver a message and could not, to have the next one read and this one another time.
    package struct Postponed: Error {
        package init() {}
    }

    /// Opens the messages from an index on, in their order.
    ///
    /// Anybody can post anything: a message that does not open, or whose envelope is not to be believed, is handed to
    /// `refused`, and the next one is read.
    /// - Parameters:
    ///   - mark: the last message that was done with, if it is to be seen whether it still stands.
    ///   - isWanted: says of each whether it is opened at all; what it is known by is absent where it cannot be read.
    ///   - opened: delivers a message; it may throw ``Postponed``.
    ///   - done: called behind a message that was delivered or refused, when ``seen`` tells of it.
    /// - Throws: `BridgeClientError`, and what the closures throw.
    package func forEachMessage(
        from first: UInt64, after mark: MessageMark? = nil,
        where isWanted: (_ index: UInt64, MessageMark?) -> Bool = { _, _ in true },
        opened: (borrowing InboxMessage) throws -> Void,
        refused: (_ index: UInt64, _ reason: InboxError) throws -> Void,
        done: (_ index: UInt64, MessageMark?) throws -> Void = { _, _ in }
    ) throws {
        try client.forEachMessage(
            of: member, from: first, after: mark,
            { sealed in
                guard isWanted(sealed.index, sealed.mark) else { return }
                let expectation = EnvelopeExpectation(
                    to: member, from: sealed.from, bridge: client.bridge, chainId: try chain())
                let message: InboxMessage
                do throws(InboxError) {
                    message = try open(sealed, expectation)
                } catch {
                    try refused(sealed.index, error)
                    return try done(sealed.index, sealed.mark)
                }
                do { try opened(message) } catch is Postponed { return }
                // Only now: a message that could not be passed on is to be read again.
                if let envelope = message.envelope { seen.insert(envelope) }
                try done(sealed.index, sealed.mark)
            },
            unread: { index, reason in
                guard isWanted(index, nil) else { return }
                try refused(index, .unread(reason))
                try done(index, nil)
            })
    }

    /// The chain of the contract, asked for once.
    private func chain() throws -> UInt64 {
        if let chainId { return chainId }
        let chain = try client.chain()
        chainId = chain
        return chain
    }

    private func open(
        _ sealed: BridgeClient.Message, _ expectation: EnvelopeExpectation
    ) throws(InboxError) -> InboxMessage {
        let text = try text(of: sealed)
        guard let envelope = try envelope(in: text, expectation) else {
            if requiresAuthentication { throw .unauthenticated }
            return InboxMessage(
                member: member, index: sealed.index, from: sealed.from, payload: text, envelope: nil)
        }
        let header = envelope.header
        return InboxMessage(
            member: member, index: sealed.index, from: sealed.from, payload: envelope.takePayload(), envelope: header)
    }

    private func text(of sealed: BridgeClient.Message) throws(InboxError) -> SecretBytes {
        do throws(ECIESError) { return try ECIES.standard.open(sealed.payload.span, with: key) } catch {
            throw .unopened(error)
        }
    }

    /// The envelope that a text is, meant for this inbox and not delivered yet; nil for a plain message.
    private func envelope(
        in text: borrowing SecretBytes, _ expectation: EnvelopeExpectation
    ) throws(InboxError) -> Envelope? {
        do throws(EnvelopeError) {
            guard let envelope = try Envelope.parse(text) else { return nil }
            try expectation.check(envelope.header)
            try seen.check(envelope.header)
            return envelope
        } catch {
            throw .refused(error)
        }
    }
}
