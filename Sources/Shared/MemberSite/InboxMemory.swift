package import JSON
package import Primitives

/// The newest messages of an inbox. Anybody may post any number of them, so the oldest are dropped, and counted.
package struct InboxMemory: Sendable {
    /// Whose inbox it is.
    package let member: Bytes32
    private let countLimit: Int
    private let byteLimit: Int
    /// The documents as they are sent, the oldest first.
    private var messages: [[UInt8]] = []
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

    /// Keeps a message, and drops the oldest ones if there are too many.
    package mutating func remember(_ message: JSONValue) {
        let document = Array(message.compact.utf8)
        messages.append(document)
        byteCount += document.count
        while messages.count > countLimit || byteCount > byteLimit {
            byteCount -= messages.removeFirst().count
            droppedCount += 1
        }
    }

    /// `{"member_id":"0x…","dropped":0,"messages":[…]}`, as a line.
    package var document: [UInt8] {
        var bytes = Array("{\"member_id\":\"\(member.hex)\",\"dropped\":\(droppedCount),\"messages\":[".utf8)
        bytes.reserveCapacity(byteCount + messages.count + 200)
        for (index, message) in messages.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += message
        }
        bytes += Array("]}\n".utf8)
        return bytes
    }
}
