import Primitives
import Testing

@Suite struct HexTests {
    @Test(arguments: [[], [0], [0xFF], [0, 1, 0x7F, 0x80, 0xFE]] as [[UInt8]])
    func bytesComeBack(_ bytes: [UInt8]) throws {
        #expect(try Hex.decode(bytes.hex) == bytes)
        #expect(try Hex.decode(bytes.hex.dropFirst(2), prefix: .none) == bytes)
    }

    @Test func digitsAreReadInEitherCaseAndWrittenLower() throws {
        #expect(try Hex.decode("0xAbCdEF").hex == "0xabcdef")
    }

    @Test(
        "what is not hex is refused with the reason",
        arguments: [
            ("0xabc", PrimitiveError.oddHexLength(count: 3)), ("0xag", .notHex(offset: 1)), ("ab", .missingHexPrefix),
            ("0Xab", .missingHexPrefix), ("0x ab0", .notHex(offset: 0)), ("", .missingHexPrefix),
            ("0x00\n0", .notHex(offset: 2)),
        ])
    func refusals(_ text: String, _ error: PrimitiveError) {
        #expect(throws: error) { try Hex.decode(text) }
    }

    @Test func fixedBytesHaveTheirLength() {
        #expect(throws: PrimitiveError.wrongLength(expected: 32, actual: 31)) {
            try Bytes32([UInt8](repeating: 1, count: 31))
        }
        #expect(throws: PrimitiveError.wrongLength(expected: 20, actual: 32)) { try Address(Bytes32.zero.hex) }
    }
}
