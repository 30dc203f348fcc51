package import BridgeClient
import ECIES
import Envelope
package import Failures
import Files
package import Primitives
package import Secp256k1
import SecretMemory

/// A member's inbox, opened with the member's key: ``next()`` reads, opens and keeps what ``InboxReading`` says, and
/// gives one thing after the other that a program has to do.
package final class Inbox {
    /// What a program has to do.
    package enum Event: ~Copyable {
        /// Deliver this message, and say with ``Inbox/resolve(_:)`` what came of it. One that is not resolved is read
        /// again.
        case message(InboxMessage)
        /// A message is not delivered: anyone can post anything.
        case refused(index: UInt64, InboxError)
        /// What was read has changed.
        case changed(BridgeClientError)
        /// Forget the messages from an index on: they stand no more, and others may come in their places.
        case withdrawn(from: UInt64)
    }

    /// The limits of a poll, and what is delivered.
    package struct Rules {
        /// Whether plain messages are refused.
        package var requiresAuthentication = false
        /// How many messages are read in one look at most.
        package var maxMessages: UInt64 = 10_000
        /// Whether more messages are an error, since no later poll continues.
        package var refusesMore = false
        /// How long nodes may take for one look; what deliveries take is not counted.
        package var deadline = Duration.seconds(300)
        /// Whether messages that no longer stand are withdrawn (``Event/withdrawn(from:)``).
        package var withdraws = false
        /// Called at each step of a look, none of which takes longer than a request or two: the program is alive.
        package var onStep: () -> Void = {}

        package init() {}
    }

    /// Why a poll ended early. The next one continues from there.
    package enum LookError: UserFacingError, Equatable {
        /// The nodes have taken too long.
        case timedOut(Duration)
        /// There are more messages than are read at once, and nothing says which of them were read.
        case tooMany(UInt64, limit: UInt64)

        package var kind: ErrorCategory { if case .timedOut = self { .serviceFailed } else { .badInput } }

        package var description: String {
            switch self {
            case .timedOut(let limit):
                "the inbox could not be read to its end within \(limit.components.seconds) seconds"
            case .tooMany(let count, let limit):
                "there are \(count) messages, more than the \(limit) that one run reads"
            }
        }

        package var hints: [String] {
            switch self {
            case .timedOut: ["use another node; with --state, the next run continues where this one stopped"]
            case .tooMany: ["raise --max-messages, or use --state: the next run then continues where this one stopped"]
            }
        }
    }

    private let reader: any BridgeReader
    private let key: SecretKey
    private let rules: Rules
    private let file: InboxStateFile?
    private var chainId: UInt64?
    /// The member that the key makes.
    package let member: Bytes32
    private var state: InboxState?
    private var reading: InboxReading?
    private var snapshot: InboxSnapshot?
    private var entries: [UInt64: InboxEntry] = [:]
    private var elapsed = Duration.zero
    private var announced: UInt64?
    /// Whether it must be kept what became of a message, before anything more is delivered.
    private var isUnsaved = false
    /// The signed message that is being delivered.
    private var envelope: EnvelopeHeader?
    /// The signed messages that were delivered, by their places; only where they may be withdrawn.
    private var signed: [UInt64: EnvelopeHeader] = [:]

    /// - Parameter file: where it is kept what has become of the messages; nil for nowhere but in memory.
    package init(
        _ reader: any BridgeReader, key: consuming SecretKey, rules: Rules = Rules(), keptIn file: InboxStateFile? = nil
    ) {
        self.reader = reader
        self.rules = rules
        self.file = file
        member = key.publicKey.memberId
        self.key = key
    }

    /// How the last look ended; nil as long as it has not.
    package var end: InboxReading.End? { if case .done(let end) = reading?.step { end } else { nil } }

    /// Begins a look: what comes next is read from the newest state of the chain.
    ///
    /// - Parameter triesWaiting: whether messages are tried again that could not be delivered before.
    /// - Throws: `InboxStateError`, `FileError`, and what the nodes' answers fail with.
    package func beginLook(triesWaiting: Bool) throws {
        if let reading { state = reading.state }
        reading = nil
        touch()
        let state = try self.state ?? file?.state(of: address()) ?? InboxState()
        reading = InboxReading(
            state, triesWaiting: triesWaiting, maxMessages: rules.maxMessages, forgetsVanished: rules.withdraws)
        (snapshot, entries, elapsed, announced) = (nil, [:], .zero, nil)
        // Nothing is delivered as long as that could not be kept.
        try keep()
    }

    /// Shows other runs that this one is at work, also where a delivery takes long.
    package func touch() { file?.touch() }

    /// What is to be done next; nil at the end of the look. What has become of the messages before is kept.
    ///
    /// - Throws: `BridgeClientError`, ``LookError``, `FileError`.
    package func next() throws -> Event? {
        do {
            while let step = reading?.step {
                rules.onStep()
                // What was refused can be kept with the rest: no harm is done if it is refused twice.
                if isUnsaved { try keep() }
                switch step {
                case .look(let mark, let known):
                    let snapshot = try timed { try reader.look(at: member, for: mark, beyond: known) }
                    if let event = try see(snapshot) { return event }
                case .read(let indices, let mark):
                    try keep()
                    let batch = try timed { try snapshot?.entries(at: indices, after: mark) ?? [] }
                    let marks = batch.map(\.mark)
                    entries = Dictionary(zip(marks.map(\.index), batch)) { $1 }
                    reading?.advance(.entries(marks))
                case .deliver(let mark, let isReplacement):
                    if isReplacement, announced != mark.index {
                        announced = mark.index
                        return .changed(.replaced(index: mark.index))
                    }
                    return try deliver(mark)
                case .done:
                    try keep()
                    return nil
                }
            }
            return nil
        } catch {
            _ = try? keep()  // The first error is the one reported.
            throw error
        }
    }

    /// Says what came of the message that was given last.
    package func resolve(_ outcome: InboxReading.Outcome) {
        guard case .deliver(let mark, _) = reading?.step else { return }
        if outcome == .delivered, let envelope {
            reading?.state.seen.insert(envelope)
            if rules.withdraws { signed[mark.index] = envelope }
            // What the cache has forgotten need not be forgotten again.
            if signed.count > ReplayCache.limit, let seen = reading?.state.seen {
                signed = signed.filter { (try? seen.check($0.value)) == nil }
            }
        }
        reading?.advance(.delivery(outcome))
        isUnsaved = true
    }

    private func see(_ snapshot: InboxSnapshot) throws(LookError) -> Event? {
        self.snapshot = snapshot
        guard let next = reading?.state.next else { return nil }
        let wasShort = reading?.shortCount != nil
        reading?.advance(.snapshot(count: snapshot.count, mark: snapshot.mark, head: snapshot.head))
        if rules.refusesMore, let count = reading?.remaining, count > rules.maxMessages {
            throw .tooMany(count, limit: rules.maxMessages)
        }
        if let left = reading?.state.next, left < next {
            for (index, envelope) in signed where index >= left {
                reading?.state.seen.forget(envelope)
                signed[index] = nil
            }
            return .withdrawn(from: left)
        }
        guard !wasShort, let count = reading?.shortCount, !rules.withdraws else { return nil }
        return .changed(.shorter(count: count, read: next))
    }

    /// The message, or why there is none.
    private func deliver(_ mark: MessageFingerprint) throws -> Event {
        guard let entry = entries[mark.index] else { throw BridgeClientError.changedMeanwhile(index: mark.index) }
        let chainId = try chain()
        do throws(InboxError) {
            let message =
                switch entry {
                case .message(let sealed): try open(sealed, on: chainId)
                case .unreadable(_, let reason): throw .unread(reason)
                }
            envelope = message.envelope
            return .message(message)
        } catch {
            // What the library could not do now is no verdict on the message.
            if case .unopened(let reason) = error, reason.kind == .serviceFailed { throw error }
            reading?.advance(.delivery(.delivered))
            return .refused(index: mark.index, error)
        }
    }

    private func keep() throws {
        guard let reading else { return }
        try file?.save(reading.state, of: address())
        isUnsaved = false
    }

    private func timed<Answer>(_ body: () throws -> Answer) throws -> Answer {
        guard elapsed < rules.deadline else { throw LookError.timedOut(rules.deadline) }
        let start = ContinuousClock.now
        defer { elapsed += ContinuousClock.now - start }
        return try body()
    }

    private func address() throws -> InboxAddress {
        InboxAddress(chainId: try chain(), bridge: reader.bridge, member: member)
    }

    /// The chain of the contract, asked for once.
    private func chain() throws(BridgeClientError) -> UInt64 {
        if let chainId { return chainId }
        let chain = try reader.chain()
        chainId = chain
        return chain
    }

    private func open(
        _ sealed: BridgeClient.Message, on chainId: UInt64
    ) throws(InboxError) -> InboxMessage {
        let text: SecretBytes
        do throws(ECIESError) { text = try ECIES.standard.open(sealed.payload.span, with: key) } catch {
            throw .unopened(error)
        }
        do throws(EnvelopeError) {
            if let envelope = try Envelope.parse(text) {
                let expectation = EnvelopeExpectation(
                    to: member, from: sealed.from, bridge: reader.bridge, chainId: chainId)
                let header = envelope.header
                try expectation.check(header)
                try reading?.state.seen.check(header)
                return InboxMessage(
                    member: member, index: sealed.index, from: sealed.from, payload: envelope.takePayload(),
                    envelope: header)
            }
        } catch { throw .refused(error) }
        if rules.requiresAuthentication { throw .unauthenticated }
        return InboxMessage(
            member: member, index: sealed.index, from: sealed.from, payload: text, envelope: nil)
    }
}
