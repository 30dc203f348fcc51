import AgentSite
import BridgeClient
import Console
import Dstack
import HTTP
import Inbox
import JSON
import Primitives
import Secp256k1
import SecretMemory

/// Reads the member's inbox again and again, and tells the messages to the site.
final class InboxWatcher {
    private let reader: any BridgeReader
    private let state: AgentState
    private let interval: Duration
    private let rules: Inbox.Rules
    private let diagnostics: Diagnostics
    private let warnings: LineLimit
    private let isAlive: () -> Void
    private let key: () throws -> SecretKey
    private var inbox: Inbox?
    /// The contract.
    var bridge: Address { reader.bridge }

    /// - Parameters:
    ///   - warnings: what is odd about messages and, with --verify, nodes; those of one poll are limited.
    ///   - isAlive: called at each step of a poll, and at least once a second between polls.
    ///   - key: asks the guest agent for the member's key; called again if it has become another's.
    init(
        _ reader: any BridgeReader, telling state: AgentState, interval: Duration, requiresAuthentication: Bool,
        maxMessages: UInt64, diagnostics: Diagnostics, warnings: LineLimit, isAlive: @escaping () -> Void = {},
        key: @escaping () throws -> SecretKey
    ) {
        self.reader = reader
        self.state = state
        self.interval = interval
        self.diagnostics = diagnostics
        self.warnings = warnings
        self.isAlive = isAlive
        self.key = key
        var rules = Inbox.Rules()
        rules.requiresAuthentication = requiresAuthentication
        rules.maxMessages = maxMessages
        rules.withdraw = { first in state.forget { $0 >= first } }
        rules.onStep = isAlive
        self.rules = rules
    }

    /// Reads at each interval; after failures less and less often, down to every ten minutes.
    ///
    /// - Throws: `BridgeClientError` for a node that was caught: going on with another would hide it.
    func run() throws(BridgeClientError) -> Never {
        var failures = pauses
        while true {
            do {
                try read()
                failures = pauses
                rest(for: interval)
            } catch let error as BridgeClientError where error.isOfCaughtNode {
                throw error
            } catch {
                diagnostics.warning("\(error); trying again later")
                rest(for: failures.pause(elapsed: .zero) ?? interval)
            }
        }
    }

    private func rest(for duration: Duration) {
        let end = ContinuousClock.now + duration
        while ContinuousClock.now < end {
            isAlive()
            sleep(for: min(end - .now, .seconds(1)))
        }
        isAlive()
    }

    private var pauses: Backoff<SystemRandomNumberGenerator> {
        Backoff(first: interval, cap: max(interval, .seconds(600)), budget: .seconds(86_400))
    }

    private func read() throws {
        let inbox = try currentInbox()
        let notes = LineLimit("messages were opened") { [diagnostics] in diagnostics.note($0) }
        defer { notes.finish() }
        try inbox.beginPoll(triesWaiting: false)
        while let message = try inbox.next() {
            state.remember(index: message.index, message.document(as: .json))
            inbox.resolve(.delivered)
            let manner = message.isAuthenticated ? "signed" : "not signed"
            notes.add("message \(message.index) from \(message.from), \(manner), was opened")
        }
        if inbox.end == .complete { state.finishInbox() }
    }

    /// The inbox of the member whose proof is served: another one, from its beginning, if the guest agent now has
    /// another key.
    private func currentInbox() throws -> Inbox {
        if let inbox, inbox.member == state.proof?.memberId { return inbox }
        let inbox = Inbox(reader, key: try key(), rules: rules, warnings: warnings)
        state.beginInbox(of: inbox.member)
        self.inbox = inbox
        return inbox
    }
}
