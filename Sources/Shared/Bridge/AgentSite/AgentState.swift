package import Dstack
package import HTTPServer
package import Primitives
package import SecretMemory
import Synchronization

/// What the agent has learnt: written by the threads that ask the guest agent and the chain, read by the server.
package final class AgentState: Sendable {
    private struct Contents {
        var proof: Proof?
        var inbox: AgentInbox?
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
    private let maxStaleness: Duration

    /// - Parameter maxStaleness: for how long the inbox's document may lack messages while the inbox is being read.
    package init(maxStaleness: Duration = .seconds(1)) { self.maxStaleness = maxStaleness }

    /// The member's proof; nil as long as the guest agent has given no key.
    package var proof: Proof? { contents.withLock(\.proof) }

    /// The document of the messages, once all of the inbox was read.
    ///
    /// It is made where the inbox is read, and here only while that goes on: at most as often as ``maxStaleness`` says, and
    /// when a message was forgotten.
    package var inboxDocument: ResponseBody? {
        contents.withLock { contents in
            guard contents.inboxRead != nil, let inbox = contents.inbox else { return nil }
            if let document = contents.document,
                document.version == contents.version || ContinuousClock.now - document.made < maxStaleness
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
            $0.inbox = AgentInbox(member: member)
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
        // Outside the lock, so that the server keeps answering meanwhile.
        guard let body = inbox?.document else { return }
        contents.withLock { contents in
            guard contents.version == version else { return }
            contents.document = Document(version: version, made: .now, body: body)
        }
    }
}

/// The newest messages of an inbox. Anybody may post any number of them, so the oldest are dropped, and counted.
package struct AgentInbox: Sendable {
    /// A message's document, which is wiped when it is no longer needed.
    private final class Entry: Sendable {
        let index: UInt64
        let document: SecretBytes

        init(index: UInt64, document: consuming SecretBytes) {
            self.index = index
            self.document = document
        }
    }

    /// Whose inbox it is.
    package let member: Bytes32
    private let countLimit: Int
    private let byteLimit: Int
    /// By their indices.
    private var entries: [Entry] = []
    private var byteCount = 0
    /// How many were dropped.
    package private(set) var droppedCount = 0

    /// - Parameters:
    ///   - countLimit: how many messages are kept.
    ///   - byteLimit: how many bytes their documents may have together.
    package init(member: Bytes32, countLimit: Int = 1000, byteLimit: Int = 16 << 20) {
        self.member = member
        self.countLimit = countLimit
        self.byteLimit = byteLimit
    }

    /// Keeps a message in the place of one of the same index, and drops the oldest ones if there are too many.
    ///
    /// - Parameter document: JSON, with or without a line's end.
    package mutating func remember(index: UInt64, _ document: consuming SecretBytes) {
        forget { $0 == index }
        byteCount += document.count
        let place = entries.lastIndex { $0.index < index }.map { $0 + 1 } ?? 0
        entries.insert(Entry(index: index, document: document), at: place)
        while entries.count > countLimit || byteCount > byteLimit {
            byteCount -= entries.removeFirst().document.count
            droppedCount += 1
        }
    }

    /// Forgets messages that stand no more.
    package mutating func forget(where isGone: (_ index: UInt64) -> Bool) {
        entries.removeAll { entry in
            guard isGone(entry.index) else { return false }
            byteCount -= entry.document.count
            return true
        }
    }

    /// `{"member_id":"0x…","dropped":0,"messages":[…]}`, as a line.
    package var document: ResponseBody {
        let front = "{\"member_id\":\"\(member)\",\"dropped\":\(droppedCount),\"messages\":["
        let back = "]}\n"
        // A comma after each but the last.
        return ResponseBody(capacity: front.utf8.count + byteCount + entries.count + back.utf8.count) { body in
            body.append(front.utf8.span)
            for (place, entry) in entries.enumerated() {
                if place > 0 { body.append(",".utf8.span) }
                entry.document.withBytes { bytes in
                    let hasLineEnd = bytes.count > 0 && bytes[bytes.count - 1] == UInt8(ascii: "\n")
                    body.append(hasLineEnd ? bytes.extracting(droppingLast: 1) : bytes)
                }
            }
            body.append(back.utf8.span)
        }
    }
}
