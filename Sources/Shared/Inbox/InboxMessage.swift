package import Envelope
import Failures
package import JSON
package import Primitives
package import Secrets

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

    /// Whether the member that it is said to come from signed it, for this inbox.
    package var isAuthenticated: Bool { envelope != nil }

    /// The message's name: it stays the same however often it is delivered.
    package var id: String { Self.id(member: member, index: index) }

    /// The name of the message at a place in a member's inbox.
    package static func id(member: Bytes32, index: UInt64) -> String { "\(member):\(index)" }

    /// The document on one line.
    package var json: JSONValue {
        .members([
            "id": .string(id), "member_id": .string(member.hex), "index": .number(index), "from": .string(from.hex),
            "payload": text.map(JSONValue.string), "payload_hex": text == nil ? .string(bytes.hex) : nil,
            "authenticated": .bool(isAuthenticated),
        ])
    }

    /// The line that the reference programs print: `ONBOARDING from=<64 hex> payload=<text>`.
    ///
    /// Control characters in the text are escaped, since a line end in it could forge further lines; bytes that are
    /// not UTF-8 stand as `payload_hex=0x…`.
    package var line: String {
        let sender = Hex.encode(from.bytes, prefixed: false)
        return "ONBOARDING from=\(sender) "
            + (text.map { "payload=\($0.escapingControlCharacters)" } ?? "payload_hex=\(bytes.hex)")
    }

    private var text: String? { String(validating: bytes, as: UTF8.self) }

    private var bytes: [UInt8] { payload.withBytes { span in span.indices.map { span[$0] } } }
}
