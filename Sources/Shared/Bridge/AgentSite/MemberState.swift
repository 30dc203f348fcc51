package import Dstack
package import HTTPServer
package import Primitives
package import SecretMemory
import Synchronization

/// What the agent has learnt: written by the threads that ask the guest agent and the chain, read by the server.
package final class MemberState: Sendable {
    private struct Contents {
        var proof: Proof?
        var inbox: InboxMemory?
        /// When the inbox was last read to its end; nil if it never was.
        var inboxRead: ContinuousClock.Instant?
        /// Counts the changes of the inbox.
        var version = 0
        var document: Document?
    }

    /// The inbox's document, as the server sends it.
    private struct Document {
        let version: Int
        let made: ContinuousClock.Instant
        let body: ResponseBody
    }

    private let contents = Mutex(Contents())
    private let start = ContinuousClock.now
    /// For how long the server sends a document that lacks the newest messages.
    private let patience: Duration

    /// - Parameter patience: for how long the inbox's document may lack messages while the inbox is being read.
    package init(patience: Duration = .seconds(1)) { self.patience = patience }

    /// The member's proof; nil as long as the guest agent has given no key.
    package var proof: Proof? { contents.withLock(\.proof) }

    /// The document of the messages, once all of the inbox was read.
    ///
    /// It is made where the inbox is read, and here only while that goes on: at most as often as the patience says, and
    /// when a message was forgotten.
    package var inboxDocument: ResponseBody? {
        contents.withLock { contents in
            guard contents.inboxRead != nil, let inbox = contents.inbox else { return nil }
            if let document = contents.document,
                document.version == contents.version || ContinuousClock.now - document.made < patience
            {
                return document.body
            }
            let body = inbox.document
            contents.document = Document(version: contents.version, made: .now, body: body)
            return body
        }
    }

    /// How long ago the inbox was read to its end, or else how long there has been nothing to tell.
    package var inboxAge: Duration { ContinuousClock.now - (contents.withLock(\.inboxRead) ?? start) }

    /// A proof that the guest agent vouches for.
    package func learn(_ proof: Proof) { contents.withLock { $0.proof = proof } }

    /// From now on this member's inbox is read; what another one got is forgotten.
    package func beginInbox(of member: Bytes32) {
        contents.withLock {
            $0.inbox = InboxMemory(member: member)
            $0.inboxRead = nil
            $0.document = nil
        }
    }

    /// A message of the inbox, as its document; it takes the place of one of the same index.
    package func remember(index: UInt64, _ document: consuming SecretBytes) {
        // A closure that is called once cannot say so: what it consumes is handed over in an optional.
        var document = Optional(document)
        contents.withLock { contents in
            guard let document = document.take() else { return }
            contents.inbox?.remember(index: index, document)
            contents.version += 1
        }
    }

    /// Forgets messages that stand no more: from now on no answer has them.
    package func forget(where isGone: (_ index: UInt64) -> Bool) {
        contents.withLock {
            $0.inbox?.forget(where: isGone)
            $0.version += 1
            $0.document = nil
        }
    }

    /// The inbox has just been read to its end.
    package func finishInbox() {
        let (inbox, version) = contents.withLock { contents in
            contents.inboxRead = .now
            let isCurrent = contents.document?.version == contents.version
            return (isCurrent ? nil : contents.inbox, contents.version)
        }
        // Outside the lock, so that the server goes on meanwhile.
        guard let body = inbox?.document else { return }
        contents.withLock { contents in
            guard contents.version == version else { return }
            contents.document = Document(version: version, made: .now, body: body)
        }
    }
}
