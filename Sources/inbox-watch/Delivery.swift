import BridgeClient
import Failures
import Handlers
import Inbox

/// Passes an inbox's messages on, each at least once, and keeps what has become of them.
final class Delivery {
    private let inbox: Inbox
    /// Where it is kept, and of which inbox; nil for nowhere but in memory.
    private let place: (file: InboxStateFile, address: InboxAddress)?
    private let keepsGoing: Bool
    private var state: InboxState
    private var isKept = false
    /// What was said last of an inbox that has become shorter.
    private var lastChange: BridgeClientError?

    /// - Parameters:
    ///   - file: where it is kept what has become of the messages; nil for nowhere but in memory.
    ///   - keepsGoing: whether later messages are delivered while one waits for its handler.
    /// - Throws: `InboxStateError`, and what the nodes' answers fail with.
    init(of inbox: Inbox, keptIn file: InboxStateFile?, keepsGoing: Bool) throws {
        place = try file.map { ($0, try inbox.address()) }
        state = try place.map { try $0.file.state(of: $0.address) } ?? InboxState()
        self.inbox = inbox
        self.keepsGoing = keepsGoing
    }

    /// Thrown to end a look at a message that has to be delivered before the next.
    private struct HasToWait: Error {}

    /// Delivers what is there.
    ///
    /// - Parameters:
    ///   - again: whether messages are tried again that were passed over before.
    ///   - pass: delivers a message. What a handler did not take is tried again at another look.
    ///   - warn: says what should be seen of the message at an index.
    /// - Returns: why the handler did not take a message, of the last that it did not.
    /// - Throws: what reading, keeping and `pass` fail with.
    func look(
        again: Bool, pass: (borrowing InboxMessage) throws -> Void, warn: (_ index: UInt64, any Failure) -> Void
    ) throws -> HandlerError? {
        // Nothing is delivered as long as that could not be kept.
        if !isKept { try keep() }
        var failure: HandlerError?
        var isDelivered = false
        do {
            try inbox.forEachNews(behind: state, again: again) { change in
                notice(change, warn)
            } opened: { message in
                do { try pass(message) } catch let error as HandlerError {
                    failure = error
                    warn(message.index, error)
                    guard keepsGoing, state.postpone(message.index) else { throw HasToWait() }
                    isKept = false
                    throw Inbox.Postponed()
                }
                isDelivered = true
            } refused: { index, reason in
                warn(index, reason)
            } done: { index, mark in
                state.finish(index, mark)
                state.seen = inbox.seen
                isKept = false
                // What was refused can be kept with the rest: no harm is done if it is refused twice.
                if isDelivered { try keep() }
                isDelivered = false
            }
        } catch is HasToWait {
        } catch {
            if !isKept { _ = try? keep() }  // The error that is told is the first.
            throw error
        }
        if !isKept { try keep() }
        return failure
    }

    /// Says that the chain was reorganised; that it is shorter than it was, once.
    private func notice(_ change: BridgeClientError, _ warn: (_ index: UInt64, any Failure) -> Void) {
        if case .replaced(let index) = change { return warn(index, change) }
        guard change != lastChange else { return }
        lastChange = change
        warn(state.next - 1, change)
    }

    private func keep() throws {
        if let place { try place.file.save(state, of: place.address) }
        isKept = true
    }
}
