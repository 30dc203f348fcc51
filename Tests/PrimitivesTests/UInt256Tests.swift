import JSON
import Primitives
import TestVectors
import Testing

@Suite("numbers of 256 bits are those of Python")
struct UInt256Tests {
    @Test("bytes and text come in and out", arguments: try TestVectors.load("uint256.json", member: "numbers"))
    func forms(_ vector: JSONObject) throws {
        let number = try vector.uint256("quantity")
        let (decimal, word, minimal) = try (vector.string("decimal"), vector.bytes("word"), vector.bytes("minimal"))
        #expect(try number.quantity == vector.string("quantity"))
        #expect(number.description == decimal)
        #expect(number.word.bytes == word)
        #expect(number.minimalBytes == minimal)
        #expect(try number.bitCount == vector.integer("bits"))
        #expect(number.uint64 == UInt64(decimal))
        #expect(try ~number == vector.uint256("inverted"))
        #expect(try UInt256(Bytes32(word)) == number)
        for bytes in [word, minimal, [0] + word] { #expect(UInt256(bigEndian: bytes.span) == number) }
        for zeros in [0, 1, 14, 15, 100] {
            let zeros = String(repeating: "0", count: zeros)
            #expect(UInt256(digits: (zeros + decimal).utf8.span, radix: 10) == number)
            #expect(UInt256(digits: (zeros + number.quantity.dropFirst(2).uppercased()).utf8.span, radix: 16) == number)
        }
    }

    @Test("sums and differences are right, or nil", arguments: try TestVectors.load("uint256.json", member: "pairs"))
    func pairs(_ vector: JSONObject) throws {
        let (left, right) = try (vector.uint256("left"), vector.uint256("right"))
        let (sum, difference) = try (vector.optionalUInt256("sum"), vector.optionalUInt256("difference"))
        #expect(left.adding(right) == sum)
        #expect(try left &+ right == vector.uint256("wrapped"))
        #expect(left.subtracting(right) == difference)
        #expect((left < right) == (difference == nil))
        #expect((left == right) == (difference == 0))
    }

    @Test(
        "products and quotients with 64 bits are right, or nil",
        arguments: try TestVectors.load("uint256.json", member: "scaled"))
    func scaled(_ vector: JSONObject) throws {
        let (number, factor) = try (vector.uint256("number"), UInt64(quantity: vector.string("factor")))
        #expect(try number.multiplied(by: factor) == vector.optionalUInt256("product"))
        let (quotient, remainder) = number.quotientAndRemainder(dividingBy: max(factor, 1))
        #expect(try quotient == vector.uint256("quotient"))
        #expect(try remainder == UInt64(quantity: vector.string("remainder")))
    }

    @Test("the constants are what they are called")
    func constants() {
        #expect(UInt256.max.adding(1) == nil)
        #expect(UInt256.max &+ 1 == 0)
        #expect(18_446_744_073_709_551_615 == UInt256(UInt64.max))
    }
}

@Suite("text and bytes that are no number of 256 bits are refused")
struct UInt256RefusalTests {
    static let tooLong = String(repeating: "0", count: 64)

    @Test("of the forms of a quantity", arguments: ["", "0x", "0x00", "0x01", "1", "0xg", "-0x1", "0x1 ", "0X1"])
    func forms(text: String) {
        #expect(throws: PrimitiveError.notAQuantity(text)) { try UInt256(quantity: text) }
    }

    @Test("for their size")
    func sizes() {
        #expect(throws: PrimitiveError.tooLarge(bits: 256)) { try UInt256(quantity: "0x1" + Self.tooLong) }
        #expect(throws: PrimitiveError.tooLarge(bits: 64)) { try UInt64(quantity: "0x10000000000000000") }
        #expect(UInt256(bigEndian: ([1] + [UInt8](repeating: 0, count: 32)).span) == nil)
        // 2^256 - 1, and one more.
        let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935"
        #expect(UInt256(digits: most.utf8.span, radix: 10) == .max)
        #expect(UInt256(digits: (most.dropLast() + "6").utf8.span, radix: 10) == nil)
        #expect(UInt256(digits: (most + "0").utf8.span, radix: 10) == nil)
    }

    @Test("for what is no digit", arguments: [("a", 10), ("1 ", 10), ("-1", 10), ("g", 16), ("0x1", 16), ("é", 16)])
    func digits(text: String, radix: UInt64) { #expect(UInt256(digits: text.utf8.span, radix: radix) == nil) }
}

extension JSONObject {
    fileprivate func uint256(_ name: String) throws -> UInt256 { try UInt256(quantity: string(name)) }

    /// nil for null.
    fileprivate func optionalUInt256(_ name: String) throws -> UInt256? {
        try required(name) == .null ? nil : uint256(name)
    }
}
