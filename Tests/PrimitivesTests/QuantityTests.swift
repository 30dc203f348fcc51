import BigInt
import Primitives
import Testing

@Suite struct QuantityTests {
    @Test(arguments: ["0x0", "0x1", "0xff", "0x10000000000000000", "0x" + String(repeating: "f", count: 64)])
    func quantitiesComeBack(_ text: String) throws {
        let quantity = try Quantity(hex: text)
        #expect(quantity.description == text)
        #expect(Quantity(quantity.word) == quantity)
        #expect(try Quantity(bigEndian: quantity.minimalBytes) == quantity)
    }

    @Test(arguments: ["", "0x", "0x00", "0x01", "1", "0xg", "-0x1", "0x1 ", "0X1"])
    func otherFormsAreRefused(_ text: String) {
        #expect(throws: PrimitiveError.notAQuantity(text)) { try Quantity(hex: text) }
    }

    @Test func numbersOf257BitsAreRefused() {
        #expect(throws: PrimitiveError.tooLarge(bits: 256)) { try Quantity(BigUInt(1) << 256) }
        #expect(throws: PrimitiveError.tooLarge(bits: 256)) {
            try Quantity(hex: "0x1" + String(repeating: "0", count: 64))
        }
        #expect(throws: PrimitiveError.tooLarge(bits: 64)) { try UInt64(quantity: "0x10000000000000000") }
    }

    @Test func minimalBytesHaveNoLeadingZeros() {
        #expect(Quantity.zero.minimalBytes == [])
        #expect(Quantity(UInt64(256)).minimalBytes == [1, 0])
        #expect(BigUInt(5).bigEndian(count: 4) == [0, 0, 0, 5])
    }
}
