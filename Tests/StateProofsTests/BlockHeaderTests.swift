import JSON
import Primitives
import StateProofs
import TestVectors
import Testing

@Suite struct BlockHeaderTests {
    static let optional = [
        "baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash",
    ]

    @Test func everyForkIsThere() { #expect(Vector.headers.count == 6) }

    @Test(arguments: Vector.headers)
    func headersAreRead(_ vector: Vector) throws {
        let block = try vector.json.object("block")
        let header = try BlockHeader(json: block)
        #expect(try header.hash.hex == block.string("hash"))
        #expect(try header.number.quantity == block.string("number"))
        #expect(try header.stateRoot.hex == block.string("stateRoot"))
        #expect(try header.timestamp.quantity == block.string("timestamp"))
    }

    @Test func genesisOfMainnetIsWhatAllKnow() throws {
        let header = try BlockHeader(json: Vector.headers[0].json.object("block"))
        #expect(header.hash.hex == "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3")
    }

    @Test func otherMembersDoNotMatter() throws {
        let block = try Vector.headers[3].json.object("block").with("size", .string("0x1")).with("requestsHash", .null)
        _ = try BlockHeader(json: block)
    }

    @Test("a bit of any byte of any field, the hash's too, is missed", arguments: Vector.headers)
    func flippedBitsAreRefused(_ vector: Vector) throws {
        let block = try vector.json.object("block")
        for (name, value) in block.members {
            let text = try #require(value.string)
            let isNumber =
                ["difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas"].contains(name)
                || name.hasSuffix("lobGasUsed") || name == "excessBlobGas"
            let forged: [String] =
                if isNumber {
                    try UInt256(quantity: text).word.bytes.flipped.compactMap { UInt256(bigEndian: $0.span)?.quantity }
                } else {
                    try Hex.decode(text).flipped.map(\.hex)
                }
            for each in forged where each != text {
                #expect(throws: StateProofError.self, "\(name) \(each)") {
                    try BlockHeader(json: block.with(name, .string(each)))
                }
            }
        }
    }

    @Test("a field cut short, absent or of another type is refused", arguments: Vector.headers)
    func damagedFieldsAreRefused(_ vector: Vector) throws {
        let block = try vector.json.object("block")
        for (name, value) in block.members {
            let text = try #require(value.string)
            let texts = ["0x", "", text + "00", String(text.dropLast(2))]
            let damages: [JSONValue?] = [nil, .null, .number(1)] + texts.map { .string($0) }
            for damage in damages where damage != value {
                #expect(throws: StateProofError.self, "\(name) \(String(describing: damage))") {
                    try BlockHeader(json: block.with(name, damage))
                }
            }
            // Bytes may come without 0x: they mean the same.
            guard let header = try? BlockHeader(json: block.with(name, .string(String(text.dropFirst(2))))) else {
                continue
            }
            #expect(try header.hash == BlockHeader(json: block).hash)
        }
    }

    @Test(arguments: optional.dropLast())
    func gapsAreRefused(_ name: String) throws {
        let block = try Vector.headers[5].json.object("block")
        let next = try #require(Self.optional.firstIndex(of: name)) + 1
        #expect(throws: StateProofError.missingField(name, before: Self.optional[next])) {
            try BlockHeader(json: block.with(name, nil))
        }
    }

    @Test func quantitiesHaveOneForm() throws {
        let block = try Vector.headers[5].json.object("block")
        let number = try block.string("number").dropFirst(2)
        for form in ["0x0\(number)", "0X\(number)", String(number), "0x1" + String(repeating: "0", count: 16) + number]
        {
            #expect(throws: StateProofError.malformed(member: "number", expected: "a quantity of at most 64 bits")) {
                try BlockHeader(json: block.with("number", .string(form)))
            }
        }
    }
}
