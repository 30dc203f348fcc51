import Primitives
package import Secrets

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

    /// The message as a line, its end included. No copy of the payload is left anywhere else.
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
            var count = 0
            Self.write(bytes, isText: isText, as: form, between: front, back) { _ in count += 1 }
            return SecretBytes(count: count) { target in
                var end = 0
                Self.write(bytes, isText: isText, as: form, between: front, back) { byte in
                    target[end] = byte
                    end += 1
                }
            }
        }
    }

    private static func write(
        _ bytes: Span<UInt8>, isText: Bool, as form: Form, between front: String, _ back: String, _ put: (UInt8) -> Void
    ) {
        for byte in front.utf8 { put(byte) }
        switch form {
        case _ where !isText: writeHex(bytes, put)
        case .json: writeJSON(bytes, put)
        case .text: writeEscaped(bytes, put)
        }
        for byte in back.utf8 { put(byte) }
    }

    private static func writeHex(_ bytes: Span<UInt8>, _ put: (UInt8) -> Void) {
        put(UInt8(ascii: "0"))
        put(UInt8(ascii: "x"))
        for index in bytes.indices { writeDigits(bytes[index], put) }
    }

    /// Two hex digits.
    private static func writeDigits(_ byte: UInt8, _ put: (UInt8) -> Void) {
        func digit(_ value: UInt8) -> UInt8 { value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10 }
        put(digit(byte >> 4))
        put(digit(byte & 0xF))
    }

    /// Text as it stands in a JSON string: see ``JSONValue/compact``.
    private static func writeJSON(_ text: Span<UInt8>, _ put: (UInt8) -> Void) {
        func escape(_ text: String) { for byte in text.utf8 { put(byte) } }
        var index = 0
        while index < text.count {
            let byte = text[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""): escape("\\\"")
            case UInt8(ascii: "\\"): escape("\\\\")
            case UInt8(ascii: "\n"): escape("\\n")
            case UInt8(ascii: "\r"): escape("\\r")
            case UInt8(ascii: "\t"): escape("\\t")
            case 0...0x1F, 0x7F:
                escape("\\u00")
                writeDigits(byte, put)
            // U+0080 to U+009F have two bytes, of which the second is the character's number.
            case 0xC2 where text[index] <= 0x9F:
                escape("\\u00")
                writeDigits(text[index], put)
                index += 1
            default: put(byte)
            }
        }
    }

    /// Text with its control characters escaped: see `escapingControlCharacters`.
    private static func writeEscaped(_ text: Span<UInt8>, _ put: (UInt8) -> Void) {
        var index = 0
        while index < text.count {
            let (scalar, count) = scalar(in: text, at: index)
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
                for byte in "\\u{\(String(scalar.value, radix: 16))}".utf8 { put(byte) }
            default: for place in index..<index + count { put(text[place]) }
            }
            index += count
        }
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
