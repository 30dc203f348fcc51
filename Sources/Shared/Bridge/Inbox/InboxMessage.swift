package import Envelope
package import Primitives
package import SecretMemory

/// A message that was opened: the document that inbox-watch prints.
///
///     {"id":"0x…:0","member_id":"0x…","index":0,"from":"0x…","payload":"text","authenticated":true}
///
/// `payload_hex` stands in place of `payload` where the bytes are not UTF-8.
package struct InboxMessage: ~Copyable {
    /// The member whose inbox it is in.
    package let member: Bytes32
    /// Its place in the inbox, from 0.
    package let index: UInt64
    /// The member that it is said to come from; anybody may have written that, unless ``isAuthenticated``.
    package let from: Bytes32
    /// What was sealed.
    package let payload: SecretBytes
    /// What its sender signed; nil for a plain message.
    package let envelope: EnvelopeHeader?

    package init(
        member: Bytes32, index: UInt64, from: Bytes32, payload: consuming SecretBytes, envelope: EnvelopeHeader?
    ) {
        self.member = member
        self.index = index
        self.from = from
        self.payload = payload
        self.envelope = envelope
    }

    /// Whether the member that it is said to come from signed it, for this inbox.
    package var isAuthenticated: Bool { envelope != nil }

    /// The message's name: it stays the same however often it is delivered.
    package var id: String { Self.id(member: member, index: index) }

    /// The name of the message at a place in a member's inbox.
    package static func id(member: Bytes32, index: UInt64) -> String { "\(member):\(index)" }
}
