package import Primitives

/// The signed messages that an inbox has delivered, so that none is delivered twice.
///
/// A message is known by its sender and its id together: another member cannot use up an id. So many are remembered
/// as ``limit`` says; then the oldest of the sender that has most is forgotten, so that a member which sends many
/// cannot have another's forgotten.
package struct ReplayCache: Hashable, Sendable {
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

    /// How many messages are remembered.
    package static let limit = 1024

    /// Those that are remembered, the oldest first.
    package private(set) var entries: [Entry] = []

    package init(_ entries: some Sequence<Entry> = []) { for entry in entries { insert(entry) } }

    /// Checks that a message was not delivered yet.
    ///
    /// - Throws: ``EnvelopeError/replayed(messageId:)``.
    package func check(_ header: EnvelopeHeader) throws(EnvelopeError) {
        guard !entries.contains(Entry(header)) else { throw .replayed(messageId: header.messageId) }
    }

    /// Remembers a message that was delivered.
    package mutating func insert(_ header: EnvelopeHeader) { insert(Entry(header)) }

    /// Forgets a delivered message that is no longer in its place.
    package mutating func forget(_ header: EnvelopeHeader) { entries.removeAll { $0 == Entry(header) } }

    private mutating func insert(_ entry: Entry) {
        guard !entries.contains(entry) else { return }
        if entries.count >= Self.limit { forgetOne() }
        entries.append(entry)
    }

    private mutating func forgetOne() {
        let counts = Dictionary(entries.map { ($0.from, 1) }, uniquingKeysWith: +)
        let most = counts.values.max()
        if let index = entries.firstIndex(where: { counts[$0.from] == most }) { entries.remove(at: index) }
    }
}

extension ReplayCache.Entry {
    fileprivate init(_ header: EnvelopeHeader) { self.init(from: header.from, messageId: header.messageId) }
}
