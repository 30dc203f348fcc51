package import Dstack
package import Primitives
package import Secrets
import Synchronization

/// What the agent has learnt: written by the threads that ask the guest agent and the chain, read by the server.
package final class MemberState: Sendable {
    private struct Contents {
        var proof: Proof?
        var inbox: InboxMemory?
        /// When the inbox was last read to its end; nil if it never was.
        var inboxRead: ContinuousClock.Instant?
    }

    private let contents = Mutex(Contents())
    private let start = ContinuousClock.now

    package init() {}

    /// The member's proof; nil as long as the guest agent has given no key.
    package var proof: Proof? { contents.withLock(\.proof) }

    /// The messages, once all of the inbox was read.
    package var inbox: InboxMemory? { contents.withLock { $0.inboxRead == nil ? nil : $0.inbox } }

    /// How long ago the inbox was read to its end, or else how long there has been nothing to tell.
    package var inboxAge: Duration { ContinuousClock.now - (contents.withLock(\.inboxRead) ?? start) }

    /// A proof that the guest agent vouches for.
    package func learn(_ proof: Proof) { contents.withLock { $0.proof = proof } }

    /// From now on this member's inbox is read; what another one got is forgotten.
    package func beginInbox(of member: Bytes32) {
        contents.withLock {
            $0.inbox = InboxMemory(member: member)
            $0.inboxRead = nil
        }
    }

    /// A message of the inbox, as its document; it takes the place of one with the same index.
    package func remember(index: UInt64, _ document: consuming SecretBytes) {
        let bytes = document.withBytes { span in span.indices.map { span[$0] } }
        contents.withLock { $0.inbox?.remember(index: index, bytes: bytes) }
    }

    /// Forgets messages that no longer stand.
    package func forget(where isGone: (UInt64) -> Bool) {
        contents.withLock { $0.inbox?.forget(where: isGone) }
    }

    /// The inbox has just been read to its end.
    package func finishInbox() { contents.withLock { $0.inboxRead = .now } }
}
