package import Primitives
package import Secrets

/// The newest messages of an inbox. Anybody may post any number of them, so the oldest are dropped, and counted.
package struct InboxMemory: Sendable {
    /// Whose inbox it is.
    package let member: Bytes32
    private let countLimit: Int
    private let byteLimit: Int
    /// The documents as they are sent, the oldest first.
    private var messages: [(index: UInt64, document: [UInt8])] = []
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

    /// Keeps a message, in place of one with the same index, and drops the oldest ones if there are too many.
    package mutating func remember(index: UInt64, _ document: consuming SecretBytes) {
        remember(index: index, bytes: document.withBytes { span in span.indices.map { span[$0] } })
    }

    mutating func remember(index: UInt64, bytes: [UInt8]) {
        forget { $0 == index }
        let place = messages.firstIndex { $0.index > index } ?? messages.endIndex
        messages.insert((index, bytes), at: place)
        byteCount += bytes.count
        while messages.count > countLimit || byteCount > byteLimit {
            byteCount -= messages.removeFirst().document.count
            droppedCount += 1
        }
    }

    /// Forgets messages that no longer stand.
    package mutating func forget(where isGone: (UInt64) -> Bool) {
        messages.removeAll { isGone($0.index) }
        byteCount = messages.reduce(0) { $0 + $1.document.count }
    }

    /// `{"member_id":"0x…","dropped":0,"messages":[…]}`, as a line.
    package var document: [UInt8] {
        var bytes = Array("{\"member_id\":\"\(member.hex)\",\"dropped\":\(droppedCount),\"messages\":[".utf8)
        bytes.reserveCapacity(byteCount + messages.count + 200)
        for (place, message) in messages.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += message.document
        }
        bytes += Array("]}\n".utf8)
        return bytes
    }
}
