package import BridgeClient
package import Console
import ECIES
import Envelope
package import Failures
import Files
package import Primitives
package import Secp256k1
import SecretMemory

/// A member's inbox, opened with the member's key: it does what ``InboxReading`` says, and gives one message after the
/// other to be delivered.
package final class Inbox {
    /// What bounds a poll, and what is delivered.
    package struct Rules {
        /// Whether plain messages are refused.
        package var requiresAuthentication = false
        /// How many messages are read in one poll at most.
        package var maxMessages: UInt64 = 10_000
        /// Whether it is an error that there are more of them, since no later poll goes on.
        package var refusesMore = false
        /// How long nodes may take for one poll; what deliveries take is not counted.
        package var deadline = Duration.seconds(300)
        /// Forgets the messages from an index on; without it, one that vanishes and comes back stays delivered.
        package var withdraw: ((UInt64) -> Void)?
        /// Called at each step of a poll, none of which takes longer than a request or two.
        package var onStep: () -> Void = {}

        package init() {}
    }

    private let reader: any BridgeReader
    private let key: SecretKey
    private let rules: Rules
    private let file: InboxStateFile?
    private let warnings: LineLimit
    /// The member that the key makes.
    package let member: Bytes32
    private var knownAddress: InboxAddress?
    private var reading = InboxReading(InboxState(), triesWaiting: false, maxMessages: 0)
    private var snapshot: InboxSnapshot?
    private var entries: [InboxEntry] = []
    private var elapsed = Duration.zero
    private var shorter: BridgeClientError?
    private var hasLoaded = false
    /// Whether it must be kept what became of a message, before anything more is delivered.
    private var isUnsaved = false
    /// The signed message that is being delivered, and those that were and may be withdrawn, by their places.
    private var envelope: EnvelopeHeader?
    private var signed: [UInt64: EnvelopeHeader] = [:]

    /// - Parameters:
    ///   - file: where it is kept what has become of the messages; nil for nowhere but in memory.
    ///   - warnings: what is odd about messages; finished at the end of each poll.
    package init(
        _ reader: any BridgeReader, key: consuming SecretKey, rules: Rules = Rules(),
        keptIn file: InboxStateFile? = nil,
        warnings: LineLimit
    ) {
        (self.reader, self.rules, self.file, self.warnings) = (reader, rules, file, warnings)
        member = key.publicKey.memberId
        self.key = key
    }

    /// How the last poll ended; nil as long as it has not.
    package var end: InboxReading.End? { if case .done(let end) = reading.step { end } else { nil } }

    /// Whether nothing is left to do for the message at an index.
    package func isDone(_ index: UInt64) -> Bool { reading.state.isDone(index) }

    /// Begins a poll. If it `triesWaiting`, messages are tried again that could not be delivered before. Throws
    /// `InboxStateError`, `FileError`, `BridgeClientError`.
    package func beginPoll(triesWaiting: Bool) throws {
        touch()
        if let file, !hasLoaded { (reading.state, hasLoaded) = (try file.state(of: address()), true) }
        reading = InboxReading(
            reading.state, triesWaiting: triesWaiting, maxMessages: rules.maxMessages,
            forgetsVanished: rules.withdraw != nil, turn: .random(in: 0...UInt64(UInt32.max)))
        (snapshot, entries, elapsed) = (nil, [], .zero)
        // Nothing is delivered as long as that cannot be kept.
        try keep()
    }

    /// Shows other runs that this one is at work, also where a delivery takes long.
    package func touch() { file?.touch() }

    /// Warns that a message was not delivered.
    package func warn(_ index: UInt64, _ reason: any UserFacingError) {
        warnings.add("message \(index) (\(InboxMessage.id(member: member, index: index))): \(reason)")
    }

    /// The next message to deliver, of which ``resolve(_:)`` must say what came; one that is not resolved is read again.
    /// nil at the end of the poll. What has become of those before is kept. Throws `BridgeClientError`, ``InboxError``,
    /// `FileError`.
    package func next() throws -> InboxMessage? {
        do {
            while true {
                rules.onStep()
                // What was refused can be kept with the rest: no harm is done if it is refused twice.
                if isUnsaved { try keep() }
                switch reading.step {
                case .poll(let fingerprint, let known): try poll(fingerprint, beyond: known)
                case .read(let indices, let fingerprint):
                    try keep()
                    entries = try timed { try snapshot?.read(indices, fingerprint) ?? [] }
                    for index in reading.state.replaced(by: entries.map(\.fingerprint)) {
                        warn(index, BridgeClientError.replaced(index: index))
                    }
                    reading.read(entries.map(\.fingerprint))
                case .deliver(let fingerprint):
                    guard let entry = entries.first(where: { $0.fingerprint == fingerprint }) else {
                        throw BridgeClientError.changedMeanwhile(index: fingerprint.index)
                    }
                    if let message = try open(entry) { return message }
                case .done:
                    try keep()
                    warnings.finish()
                    return nil
                }
            }
        } catch {
            _ = try? keep()  // The error that counts is the first.
            warnings.finish()
            throw error
        }
    }

    /// Takes what came of the message that was given last.
    package func resolve(_ outcome: InboxReading.Outcome) {
        guard case .deliver(let fingerprint) = reading.step else { return }
        if outcome == .delivered, let envelope {
            reading.state.seen.insert(envelope)
            if rules.withdraw != nil { signed[fingerprint.index] = envelope }
            // What the cache has forgotten need not be forgotten again.
            if signed.count > ReplayCache.limit {
                signed = signed.filter { (try? reading.state.seen.check($0.value)) == nil }
            }
        }
        reading.resolve(outcome)
        isUnsaved = true
    }

    private func poll(_ fingerprint: MessageFingerprint?, beyond known: UInt64) throws {
        let (isFirst, next) = (snapshot == nil, reading.state.next)
        let found = try timed { try reader.poll(member, for: fingerprint, beyond: known) }
        snapshot = found
        reading.polled(count: found.count, found: found.fingerprint, head: found.head)
        if rules.refusesMore, reading.remaining > rules.maxMessages {
            throw InboxError.tooMany(reading.remaining, limit: rules.maxMessages)
        }
        let left = reading.state.next
        if left < next {
            for (index, envelope) in signed where index >= left {
                reading.state.seen.forget(envelope)
                signed[index] = nil
            }
            rules.withdraw?(left)
            warnings.add("the chain was reorganised: the messages from \(left) on are read again")
        } else if isFirst, fingerprint != nil, found.count < next, end != .behind, rules.withdraw == nil {
            let change = BridgeClientError.shorter(count: found.count, read: next)
            // Once: it may stay so for long.
            if change != shorter { warnings.add(change.description) }
            shorter = change
        }
    }

    /// Opens a message; nil for one that never can be delivered, of which it warns.
    private func open(_ entry: InboxEntry) throws -> InboxMessage? {
        let (index, address) = (entry.fingerprint.index, try address())
        envelope = nil
        do throws(InboxError) {
            let payload = try entry.payload.mapError(InboxError.unread).get()
            let text: SecretBytes
            do throws(ECIESError) { text = try ECIES.standard.open(payload.span, with: key) } catch {
                throw InboxError.unopened(error)
            }
            do throws(EnvelopeError) {
                if let signed = try Envelope.parse(text) {
                    let header = signed.header
                    try EnvelopeExpectation(
                        to: member, from: entry.from, bridge: address.bridge, chainId: address.chainId
                    ).check(header)
                    try reading.state.seen.check(header)
                    envelope = header
                    return InboxMessage(
                        member: member, index: index, from: entry.from, payload: signed.takePayload(), envelope: header)
                }
            } catch { throw InboxError.refused(error) }
            if rules.requiresAuthentication { throw InboxError.unauthenticated }
            return InboxMessage(member: member, index: index, from: entry.from, payload: text, envelope: nil)
        } catch {
            // What the library could not do now is no verdict on the message.
            if case .unopened(let reason) = error, reason.kind == .serviceFailed { throw error }
            warn(index, error)
            reading.resolve(.delivered)
            return nil
        }
    }

    private func keep() throws {
        try file?.save(reading.state, of: address())
        isUnsaved = false
    }

    private func timed<Answer>(_ body: () throws -> Answer) throws -> Answer {
        guard elapsed < rules.deadline else { throw InboxError.timedOut(rules.deadline) }
        let start = ContinuousClock.now
        defer { elapsed += ContinuousClock.now - start }
        return try body()
    }

    /// Asks for the chain once.
    private func address() throws(BridgeClientError) -> InboxAddress {
        if let knownAddress { return knownAddress }
        let address = InboxAddress(chainId: try reader.chain(), bridge: reader.bridge, member: member)
        knownAddress = address
        return address
    }
}
