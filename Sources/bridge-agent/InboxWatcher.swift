import BridgeClient
import Console
import Dstack
import Inbox
import MemberSite
import Primitives
import Retrying
import Secp256k1

/// Reads the member's inbox again and again, and tells the messages to the site.
final class InboxWatcher {
    private let reader: any BridgeReader
    private let state: MemberState
    private let interval: Duration
    private let requiresAuthentication: Bool
    private let voice: Voice
    private let isAlive: () -> Void
    private let key: () throws -> SecretKey
    private var inbox: Inbox?
    private var progress = InboxState()
    /// What was said last of a chain that was reorganised.
    private var lastChange: BridgeClientError?
    /// The contract.
    var bridge: Address { reader.bridge }

    /// - Parameters:
    ///   - isAlive: called at each step of a look, and at least once a second between looks.
    ///   - key: asks the guest agent for the member's key; called again if it has become another's.
    init(
        _ reader: any BridgeReader, telling state: MemberState, interval: Duration, requiresAuthentication: Bool,
        voice: Voice, isAlive: @escaping () -> Void = {}, key: @escaping () throws -> SecretKey
    ) {
        self.reader = reader
        self.state = state
        self.interval = interval
        self.requiresAuthentication = requiresAuthentication
        self.voice = voice
        self.isAlive = isAlive
        self.key = key
    }

    /// Reads at each interval; after failures less and less often, down to every ten minutes.
    func run() -> Never {
        var failures = pauses
        while true {
            do {
                try read()
                failures = pauses
                rest(for: interval)
            } catch {
                voice.warning("\(error); looking again later")
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
        try inbox.forEachNews(behind: progress, again: false) { change in
            if change != lastChange { voice.warning(change.description) }
            lastChange = change
        } opened: { message in
            state.remember(index: message.index, message.document(as: .json))
            let manner = message.isAuthenticated ? "signed" : "not signed"
            voice.note("message \(message.index) from \(message.from), \(manner), was opened")
        } refused: { index, reason in
            voice.warning("message \(index) (\(InboxMessage.id(member: inbox.member, index: index))): \(reason)")
        } done: { index, mark in
            progress.finish(index, mark)
        }
        state.finishInbox()
    }

    /// The inbox of the member whose proof is served: another one, from its beginning, if the guest agent now has
    /// another key.
    private func currentInbox() throws -> Inbox {
        if let inbox, inbox.member == state.proof?.memberId { return inbox }
        let inbox = Inbox(reader, key: try key(), requiresAuthentication: requiresAuthentication)
        state.beginInbox(of: inbox.member)
        progress = InboxState()
        self.inbox = inbox
        return inbox
    }
}
