import Primitives
import Testing
import Transactions

@Suite struct RLPTests {
    /// The examples of the Ethereum wiki's and yellow paper's RLP pages.
    static let examples: [(RLP, String)] = [
        (.string(Array("dog".utf8)), "0x83646f67"),
        (.list([.string(Array("cat".utf8)), .string(Array("dog".utf8))]), "0xc88363617483646f67"),
        (.string([]), "0x80"), (.list([]), "0xc0"), (.string([0]), "0x00"), (.string([0x0F]), "0x0f"),
        (.string([0x80]), "0x8180"), (.string([4, 0]), "0x820400"),
        (.list([.list([]), .list([.list([])]), .list([.list([]), .list([.list([])])])]), "0xc7c0c1c0c3c0c1c0"),
        (
            .string(Array("Lorem ipsum dolor sit amet, consectetur adipisicing elit".utf8)),
            "0xb8384c6f72656d20697073756d20646f6c6f722073697420616d65742c20636f6e7365637465747572206164697069736963696e6720656c6974"
        ),
    ]

    @Test(arguments: examples)
    func examplesEncodeAndDecode(_ item: RLP, _ hex: String) throws {
        #expect(item.encoded.hex == hex)
        #expect(try RLP(decoding: Hex.decode(hex)) == item)
    }

    @Test(arguments: [0, 1, 55, 56, 255, 256, 65536])
    func lengthsComeBack(_ count: Int) throws {
        let item = RLP.list([.string([UInt8](repeating: 0xAA, count: count))])
        #expect(try RLP(decoding: item.encoded) == item)
    }

    @Test(
        "every second form of a value is refused",
        arguments: [
            ("0x8100", RLPError.notCanonical), ("0x817f", .notCanonical), ("0xb800", .notCanonical),
            ("0xb8026162", .notCanonical), ("0xb90038" + String(repeating: "61", count: 56), .notCanonical),
            ("0xf80161", .notCanonical), ("0x", .truncated), ("0x81", .truncated), ("0x8361", .truncated),
            ("0xc261", .truncated),
            ("0xb9ffff", .truncated), ("0xbfffffffffffffffff", .truncated), ("0xffffffffffffffffff", .truncated),
            ("0xc2836162", .truncated), ("0x6161", .trailingBytes(count: 1)), ("0xc000", .trailingBytes(count: 1)),
        ])
    func malleableFormsAreRefused(_ hex: String, _ error: RLPError) {
        #expect(throws: error) { try RLP(decoding: Hex.decode(hex)) }
    }

    @Test func nestingHasALimit() {
        var bytes: [UInt8] = [0xC0]
        for _ in 0..<40 { bytes.insert(0xC0 + UInt8(bytes.count), at: 0) }
        #expect(throws: RLPError.tooDeep(limit: RLP.depthLimit)) { try RLP(decoding: bytes) }
    }
}
