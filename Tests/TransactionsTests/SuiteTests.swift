import JSON
import Primitives
import TestVectors
import Testing
import Transactions

@Suite struct SuiteTests {
    /// The item that a value of rlptest.json stands for: text, a number in decimal, or a list.
    static func item(_ value: JSONValue?) throws -> RLP {
        switch value {
        case .string(let text): return .string(Array(text.utf8))
        case .number(let digits): return .string(bigEndian(digits))
        case .array(let values): return .list(try values.map(item))
        default: throw RLPError.wrongShape(expected: "a value of rlptest.json")
        }
    }

    /// The bytes of a number of any size, without leading zeros.
    static func bigEndian(_ digits: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for digit in digits.compactMap(\.wholeNumberValue) {
            var carry = digit
            for index in bytes.indices.reversed() {
                carry += Int(bytes[index]) * 10
                bytes[index] = UInt8(truncatingIfNeeded: carry)
                carry >>= 8
            }
            if carry > 0 { bytes.insert(UInt8(carry), at: 0) }
        }
        return bytes
    }

    @Test(arguments: try TestVectors.suite("rlp.json"))
    func itemsAreThoseOfEthereum(_ vector: JSONObject) throws {
        let item = try Self.item(vector["in"])
        #expect(try item.encoded == vector.bytes("out"))
        #expect(try RLP(decoding: vector.bytes("out")) == item)
    }

    @Test(arguments: try TestVectors.suite("rlp-invalid.json"))
    func whatEthereumRefusesIsRefused(_ vector: JSONObject) {
        #expect(throws: RLPError.self) { try RLP(decoding: vector.bytes("out")) }
    }

    @Test(arguments: try TestVectors.suite("rlp.json"))
    func everyCutAndEveryAdditionIsRefused(_ vector: JSONObject) throws {
        let bytes = try vector.bytes("out")
        for count in 0..<bytes.count {
            #expect(throws: RLPError.self) { try RLP(decoding: bytes.prefix(count)) }
        }
        #expect(throws: RLPError.trailingBytes(count: 1)) { try RLP(decoding: bytes + [0]) }
    }
}
