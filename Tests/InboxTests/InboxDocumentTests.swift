import Failures
import Inbox
import JSON
import Primitives
import SecretMemory
import Testing

/// What messages are printed as, beside what strings would be made of them.
@Suite struct InboxDocumentTests {
    private static let member = Keccak256.hash([1])
    private static let from = Keccak256.hash([2])

    private func shown(_ payload: [UInt8], as form: InboxMessage.Form, index: UInt64 = 7) -> String {
        let message = InboxMessage(
            member: Self.member, index: index, from: Self.from, payload: SecretBytes(copying: payload), envelope: nil)
        return message.document(as: form).withBytes { bytes in
            String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        }
    }

    private func check(_ payload: [UInt8]) {
        let text = String(validating: payload, as: UTF8.self)
        let json = JSONValue.members([
            "id": .string("\(Self.member):7"), "member_id": .string(Self.member.hex), "index": .number(7),
            "from": .string(Self.from.hex), "payload": text.map(JSONValue.string),
            "payload_hex": text == nil ? .string(payload.hex) : nil, "authenticated": .bool(false),
        ])
        #expect(shown(payload, as: .json) == json.compact + "\n")
        let end = text.map { "payload=\($0.escapingControlCharacters)" } ?? "payload_hex=\(payload.hex)"
        let digits = Hex.encode(Self.from.bytes, prefixed: false)
        #expect(shown(payload, as: .text) == "ONBOARDING from=\(digits) \(end)\n")
    }

    @Test func `every byte, alone and between others, stands as it should`() {
        check([])
        for first in UInt8.min...UInt8.max {
            check([first])
            check([0x61, first, 0x62])
        }
        for first in [0x1F, 0x22, 0x5C, 0x7F, 0xC1, 0xC2, 0xC3, 0xDF, 0xE0] as [UInt8] {
            for second in [0, 0x1F, 0x22, 0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xC2, 0xFF] as [UInt8] {
                check([first, second])
            }
        }
    }

    @Test func `every character below U+3000, and some of each plane, stand as they should`() {
        var text = String.UnicodeScalarView()
        let further = stride(from: 0x3000, through: 0x10FFFF as UInt32, by: 611)
        for number in Array(0 as UInt32..<0x3000) + Array(further) {
            guard let scalar = Unicode.Scalar(number) else { continue }
            text.append(scalar)
            if text.count == 500 {
                check(Array(String(text).utf8))
                text = String.UnicodeScalarView()
            }
        }
        for number in [0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF, 0xFEFF, 0x202E, 0x2028, 0xE0001, 0xE000] as [UInt32] {
            guard let scalar = Unicode.Scalar(number) else { continue }
            check(Array(String(Character(scalar)).utf8))
        }
    }

    @Test func `what is nearly UTF-8 is hex`() {
        let texts = ["é", "€", "🤐", "a\u{80}", "\u{FFFD}"].map { Array($0.utf8) }
        for text in texts {
            for length in 0...text.count { check(Array(text.prefix(length))) }
            for index in text.indices {
                for bit in 0..<8 {
                    var changed = text
                    changed[index] ^= 1 << bit
                    check(changed)
                }
            }
        }
        // Overlong forms, surrogates, what is beyond Unicode, and bytes that begin nothing.
        for bytes in [
            [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
            [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0x80], [0xC2], [0xC2, 0x22],
        ] as [[UInt8]] { check(bytes) }
    }

    @Test func `random bytes, and random text, stand as they should`() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            check(
                (0..<Int.random(in: 0..<40, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator)
                })
            let scalars = (0..<Int.random(in: 0..<40, using: &generator)).compactMap { _ in
                Unicode.Scalar(UInt32.random(in: 0...0x10FFFF, using: &generator))
            }
            check(Array(String(String.UnicodeScalarView(scalars)).utf8))
        }
    }

    @Test func `the greatest index is a number`() {
        #expect(shown([], as: .json, index: .max).contains("\"index\":18446744073709551615,"))
    }
}
