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

    /// Sixteen digits are read at once, and sixteen bytes written: each length up to several of them.
    @Test func everyLengthGoesThereAndBack() throws {
        let bytes = (0..<100).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ 7) }
        for count in 0...bytes.count {
            let digits = bytes[..<count].map { byte in
                let text = String(byte, radix: 16)
                return text.count == 1 ? "0" + text : text
            }.joined()
            #expect(Hex.encode(bytes[..<count], prefixed: false) == digits)
            #expect(try Hex.decode(digits.uppercased(), prefix: .none) == Array(bytes[..<count]))
        }
    }

    @Test(arguments: UInt8.min...UInt8.max)
    func aCharacterThatIsNoDigitIsFoundWhereverItStands(_ character: UInt8) {
        let isDigit = Hex.value(of: character) != nil
        for length in [2, 32, 70] {
            for place in 0..<length {
                var text = [UInt8](repeating: UInt8(ascii: "7"), count: length)
                text[place] = character
                var span = text.mutableSpan
                #expect(Hex.decodeInPlace(&span, from: span.indices, to: 0) == (isDigit ? length : place) / 2)
            }
        }
    }

    @Test(arguments: 0...3)
    func digitsBecomeBytesWhereTheyStandOrBefore(_ target: Int) {
        let bytes = [UInt8](0..<80)
        let front = Array("\"0x".utf8)
        var text = front + Array(Hex.encode(bytes, prefixed: false).utf8) + Array("\"".utf8)
        var span = text.mutableSpan
        #expect(Hex.decodeInPlace(&span, from: front.count..<span.count, to: target) == bytes.count)
        #expect(Array(text.prefix(target + bytes.count)) == front.prefix(target) + bytes)
        #expect(text.last == UInt8(ascii: "\""))
    }
}
