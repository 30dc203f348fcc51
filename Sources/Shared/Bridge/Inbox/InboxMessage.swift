package import Envelope
package import Primitives
package import SecretMemory

/// A message that was opened: the document that inbox-watch prints.
///
///     {"id":"0x…:0","member_id":"0x…","index":0,"from":"0x…","payload":"text","authenticated":true}
///
/// `payload_hex` replaces `payload` if the bytes are not UTF-8.
package struct InboxMessage: ~Copyable {
    /// The member whose inbox it is in.
    package let member: Bytes32
    /// Its place in the inbox, from 0.
    package let index: UInt64
    /// The claimed sender; anyone may have written it, unless ``isAuthenticated``.
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

    /// Whether its claimed sender signed it, for this inbox.
    package var isAuthenticated: Bool { envelope != nil }

    /// The message's name: it stays the same however often it is delivered.
    package var id: String { Self.id(member: member, index: index) }

    /// The name of the message at a place in a member's inbox.
    package static func id(member: Bytes32, index: UInt64) -> String { "\(member):\(index)" }
}

extension InboxMessage {
    /// What a message is printed as.
    package enum Form: Sendable {
        /// The JSON document of ``InboxMessage``.
        case json
        /// The line of the reference programs: `ONBOARDING from=<64 hex> payload=<text>`.
        ///
        /// Control characters in the text are escaped, since a line end in it could forge further lines; bytes that
        /// are not UTF-8 stand as `payload_hex=0x…`.
        case text
    }

    /// The message as a line, its end included. No other copy of the payload remains.
    package func document(as form: Form) -> SecretBytes {
        payload.withBytes { bytes in
            let isText = (try? UTF8Span(validating: bytes)) != nil
            let name = isText ? "payload" : "payload_hex"
            let (front, back) =
                switch form {
                case .json:
                    (
                        "{\"id\":\"\(id)\",\"member_id\":\"\(member)\",\"index\":\(index),\"from\":\"\(from)\",\"\(name)\":\"",
                        "\",\"authenticated\":\(isAuthenticated)}\n"
                    )
                case .text: ("ONBOARDING from=\(Hex.encode(from.bytes, prefixed: false)) \(name)=", "\n")
                }
            // Written twice, the first time for its length alone.
            var pen = LineWriter()
            Self.write(bytes, isText: isText, as: form, between: front, back, with: &pen)
            return SecretBytes(count: pen.count) { target in
                unsafe target.withUnsafeMutableBytes { memory in
                    var pen = unsafe LineWriter(memory)
                    Self.write(bytes, isText: isText, as: form, between: front, back, with: &pen)
                }
            }
        }
    }

    private static func write(
        _ bytes: Span<UInt8>, isText: Bool, as form: Form, between front: String, _ back: String,
        with pen: inout LineWriter
    ) {
        pen.write(front.utf8.span)
        switch form {
        case _ where !isText:
            pen.write("0x".utf8.span)
            for index in bytes.indices { pen.write(hex[Int(bytes[index])]) }
        case .json: writeJSON(bytes, with: &pen)
        case .text: writeEscaped(bytes, with: &pen)
        }
        pen.write(back.utf8.span)
    }

    /// The two hex digits of each byte.
    private static let hex = (UInt8.min...UInt8.max).map { Array(Hex.encode([$0], prefixed: false).utf8) }

    /// What stands in a JSON string for each byte of ASCII, and for the second byte of U+0080 to U+009F; nil for itself.
    private static let jsonEscapes = (UInt8.min..<0xA0).map { byte -> [UInt8]? in
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): [UInt8(ascii: "\\"), byte]
        case UInt8(ascii: "\n"): Array("\\n".utf8)
        case UInt8(ascii: "\r"): Array("\\r".utf8)
        case UInt8(ascii: "\t"): Array("\\t".utf8)
        case 0...0x1F, 0x7F...0x9F: Array("\\u00\(Hex.encode([byte], prefixed: false))".utf8)
        default: nil
        }
    }

    /// Text as it stands in a JSON string: see `JSONValue.compact`.
    private static func writeJSON(_ text: Span<UInt8>, with pen: inout LineWriter) {
        let escapes = jsonEscapes
        // Where what was not written yet begins.
        var (start, index) = (0, 0)
        while index < text.count {
            let first = text[index]
            let count = first == 0xC2 ? 2 : 1
            let byte = text[index + count - 1]
            if count == 2 || first < 0x80, byte < 0xA0, let escape = escapes[Int(byte)] {
                pen.write(text.extracting(start..<index))
                pen.write(escape)
                start = index + count
            }
            index += count
        }
        pen.write(text.extracting(start..<index))
    }

    /// Text with its control characters escaped: see `escapingControlCharacters`.
    private static func writeEscaped(_ text: Span<UInt8>, with pen: inout LineWriter) {
        var (start, index) = (0, 0)
        while index < text.count {
            let (scalar, count) = scalar(in: text, at: index)
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
                pen.write(text.extracting(start..<index))
                pen.write("\\u{\(String(scalar.value, radix: 16))}".utf8.span)
                start = index + count
            default: break
            }
            index += count
        }
        pen.write(text.extracting(start..<index))
    }

    /// The character at a place in UTF-8, and how many bytes it has.
    private static func scalar(in text: Span<UInt8>, at index: Int) -> (Unicode.Scalar, count: Int) {
        let first = text[index]
        let count = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        var value = UInt32(count == 1 ? first : first & (0x7F >> count))
        for place in index + 1..<index + count { value = value << 6 | UInt32(text[place] & 0x3F) }
        return (Unicode.Scalar(value) ?? "\u{FFFD}", count)
    }
}

/// Writes bytes one behind the other, or only counts them.
@safe
private struct LineWriter: ~Copyable {
    private let memory: UnsafeMutableRawBufferPointer?
    private(set) var count = 0

    /// Only counts.
    init() { unsafe memory = nil }

    init(_ memory: UnsafeMutableRawBufferPointer) { unsafe self.memory = memory }

    mutating func write(_ bytes: Span<UInt8>) {
        if let memory = unsafe memory {
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[count..<(count + bytes.count)])
            unsafe bytes.withUnsafeBytes { unsafe room.copyMemory(from: $0) }
        }
        count += bytes.count
    }

    mutating func write(_ bytes: [UInt8]) { write(bytes.span) }
}
