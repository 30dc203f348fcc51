package import HTTPServer
package import Primitives
package import SecretMemory

/// The newest messages of an inbox. Anybody may post any number of them, so the oldest are dropped, and counted.
package struct InboxMemory: Sendable {
    /// A message's document, which is wiped when nobody needs it any more.
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
        // A comma behind each but the last.
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
