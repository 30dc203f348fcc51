package import Primitives

/// The signed messages that an inbox has delivered, so that none is delivered twice.
///
/// A message is known by its sender and its id together: another member cannot use up an id.
package struct SeenMessages: Hashable, Sendable {
    /// What a message is known by.
    package struct Entry: Hashable, Sendable {
        /// The member that signed.
        package let from: Bytes32
        /// The id that it gave.
        package let messageId: Bytes32

        package init(from: Bytes32, messageId: Bytes32) {
            self.from = from
            self.messageId = messageId
        }
    }

    /// Those that were delivered, in no order.
    package private(set) var entries: Set<Entry>

    package init(_ entries: Set<Entry> = []) { self.entries = entries }

    /// Checks that a message was not delivered yet.
    ///
    /// - Throws: ``EnvelopeError/replayed(messageId:)``.
    package func check(_ header: EnvelopeHeader) throws(EnvelopeError) {
        guard !entries.contains(Entry(header)) else { throw .replayed(messageId: header.messageId) }
    }

    /// Remembers a message that was delivered.
    package mutating func insert(_ header: EnvelopeHeader) { entries.insert(Entry(header)) }
}

extension SeenMessages.Entry {
    fileprivate init(_ header: EnvelopeHeader) { self.init(from: header.from, messageId: header.messageId) }
}
