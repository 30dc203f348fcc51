import ABI
import Primitives
import Testing

@Suite struct StrictnessTests {
    static let ones = String(repeating: "f", count: 64)
    static let highBit = "8" + String(repeating: "0", count: 63)

    static let rejected: [(type: String, data: String, error: ABIError)] = [
        ("uint8", word(0x100), .outOfRange(place: "data[0]", type: "uint8")),
        ("uint248", ones, .outOfRange(place: "data[0]", type: "uint248")),
        ("int8", word(0x80), .outOfRange(place: "data[0]", type: "int8")),
        ("int8", "7" + ones.dropFirst(), .outOfRange(place: "data[0]", type: "int8")),
        ("int8", ones.dropLast(2) + "7f", .outOfRange(place: "data[0]", type: "int8")),
        ("bool", word(2), .outOfRange(place: "data[0]", type: "bool")),
        ("bool", highBit, .outOfRange(place: "data[0]", type: "bool")),
        ("address", ones, .dirtyPadding(place: "data[0]", type: "address")),
        ("address", word(0).dropLast(41) + "1" + word(0).suffix(40), .dirtyPadding(place: "data[0]", type: "address")),
        ("bytes4", "00000000" + word(1).dropFirst(8), .dirtyPadding(place: "data[0]", type: "bytes4")),
        ("bytes31", word(1), .dirtyPadding(place: "data[0]", type: "bytes31")),
        ("function", word(1), .dirtyPadding(place: "data[0]", type: "function")),
        ("bytes", word(32) + word(1) + word(1), .dirtyPadding(place: "data[0]", type: "bytes")),
        ("string", word(32) + word(1) + "ff" + word(0).dropLast(2), .notUTF8(place: "data[0]")),
        ("string", word(32) + word(2) + "c080" + word(0).dropLast(4), .notUTF8(place: "data[0]")),
        ("string", word(32) + word(3) + "eda080" + word(0).dropLast(6), .notUTF8(place: "data[0]")),
        ("bytes", ones, .offsetOutside(place: "data[0]", type: "bytes", offset: "0x" + ones, available: 32)),
        ("bytes", highBit, .offsetOutside(place: "data[0]", type: "bytes", offset: "0x" + highBit, available: 32)),
        ("bytes", word(33), .offsetOutside(place: "data[0]", type: "bytes", offset: "0x21", available: 32)),
        (
            "bytes", word(UInt64(Int64.max)) + word(0),
            .offsetOutside(place: "data[0]", type: "bytes", offset: "0x7fffffffffffffff", available: 64)
        ),
        (
            "bytes", word(1 << 63) + word(0),
            .offsetOutside(place: "data[0]", type: "bytes", offset: "0x8000000000000000", available: 64)
        ),
        ("bytes", word(32), .truncated(place: "data[0]", type: "bytes", needed: 32, available: 0)),
        (
            "bytes", word(32) + word(1) + "00",
            .truncated(place: "data[0]", type: "bytes", needed: 64, available: 33)
        ),
        (
            "bytes", word(32) + word(33) + word(0),
            .lengthOutside(place: "data[0]", type: "bytes", length: "0x21", available: 32)
        ),
        ("bytes", word(32) + ones, .lengthOutside(place: "data[0]", type: "bytes", length: "0x" + ones, available: 0)),
        (
            "bytes", word(32) + word(UInt64(Int64.max)),
            .lengthOutside(place: "data[0]", type: "bytes", length: "0x7fffffffffffffff", available: 0)
        ),
        (
            "uint256[]", word(32) + word(1 << 59),
            .lengthOutside(place: "data[0]", type: "uint256[]", length: "0x800000000000000", available: 0)
        ),
        (
            "uint256[]", word(32) + word(2) + word(0),
            .lengthOutside(place: "data[0]", type: "uint256[]", length: "0x2", available: 32)
        ),
        (
            "string[]", word(32) + word(0xffff_ffff) + word(0),
            .lengthOutside(place: "data[0]", type: "string[]", length: "0xffffffff", available: 32)
        ),
        ("uint256[0][]", word(32) + word(1 << 62), .tooManyValues(place: "data[0]", limit: 1088)),
        ("()[]", word(32) + word(1 << 20), .tooManyValues(place: "data[0]", limit: 1088)),
        ("uint256[0][1000000000]", "", .tooManyValues(place: "data[0]", limit: 1024)),
        ("uint256", "", .truncated(place: "data", type: "(uint256)", needed: 32, available: 0)),
    ]

    @Test("data that no encoder makes is refused in either layout", arguments: rejected)
    func rejects(type: String, data: String, error: ABIError) throws {
        let type = try ABIType(type)
        let data = try bytes(data)
        #expect(throws: error) { try ABI.decode(data, as: [type]) }
        #expect(throws: error) { try ABI.decode(data, as: [type], layout: .lenient) }
        #expect(!error.description.contains("\n"))
    }

    @Test("offsets that no canonical encoder makes are refused unless the layout is lenient")
    func layout() throws {
        let types = try types(["bytes", "bytes"])
        let tails = [word(1) + "aa" + word(0).dropLast(2), word(1) + "bb" + word(0).dropLast(2)]
        let swapped = try bytes(word(0x80) + word(0x40) + tails[0] + tails[1])
        #expect(throws: ABIError.notCanonical(place: "data[0]", type: "bytes", offset: 0x80, expected: 0x40)) {
            try ABI.decode(swapped, as: types)
        }
        #expect(try ABI.decode(swapped, as: types, layout: .lenient) == [.bytes([0xbb]), .bytes([0xaa])])

        let shared = try bytes(word(0x40) + word(0x40) + tails[0])
        #expect(throws: ABIError.notCanonical(place: "data[1]", type: "bytes", offset: 0x40, expected: 0x80)) {
            try ABI.decode(shared, as: types)
        }
        #expect(try ABI.decode(shared, as: types, layout: .lenient) == [.bytes([0xaa]), .bytes([0xaa])])
    }

    @Test("bytes behind the last value are refused unless the layout is lenient", arguments: [1, 31, 32, 64])
    func trailing(count: Int) throws {
        let data = try bytes(word(7)) + [UInt8](repeating: 0, count: count)
        let type = try ABIType("uint256")
        #expect(throws: ABIError.trailingBytes(count: count)) { try ABI.decode(data, as: [type]) }
        #expect(try ABI.decode(data, as: [type], layout: .lenient) == [.uint(7)])
        #expect(throws: ABIError.trailingBytes(count: count)) {
            try ABI.decode([UInt8](repeating: 0, count: count), as: [])
        }
    }

    @Test("offsets that share their target cannot make more of the data than it is")
    func bomb() throws {
        // Each level is an array whose elements all lead to the one next level.
        let type = try ABIType("uint256[][][][][][]")
        var data = word(0x20)
        for _ in 0..<5 {
            let fan = 64
            data += word(UInt64(fan)) + String(repeating: word(UInt64(fan * 32)), count: fan)
        }
        data += word(64) + String(repeating: word(1), count: 64)
        let error = #expect(throws: ABIError.self) { try ABI.decode(bytes(data), as: [type], layout: .lenient) }
        guard case .tooManyValues? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        let copies = 4096
        let long = 32 * 4096
        let shared = try bytes(
            word(0x20) + word(UInt64(copies)) + String(repeating: word(UInt64(copies * 32)), count: copies)
                + word(UInt64(long)) + String(repeating: "00", count: long))
        #expect(throws: ABIError.self) { try ABI.decode(shared, as: [ABIType("bytes[]")], layout: .lenient) }
    }

    @Test("offsets that lead to themselves end with the type")
    func loop() throws {
        let tuple = try ABIType("((((bytes))))")
        let data = try bytes(word(0))
        #expect(throws: ABIError.notCanonical(place: "data[0]", type: "\(tuple)", offset: 0, expected: 0x20)) {
            try ABI.decode(data, as: [tuple])
        }
        let empty = ABIValue.tuple([.tuple([.tuple([.tuple([.bytes([])])])])])
        #expect(try ABI.decode(data, as: [tuple], layout: .lenient) == [empty])
    }

    static let nested = ["(uint8 a,bytes b,(string,int16[2])[] c)", "bytes3[]", "string[2]", "bool"]
    static let nestedValues = [
        #"(7,0x010203,[("one",[-1,2]),("two",[3,-4])])"#, "[0x010203,0x040506]",
        #"["é","a long string, of more than a word of bytes"]"#,
        "true",
    ]

    static func encodedNested() throws -> (types: [ABIType], data: [UInt8]) {
        let types = try types(nested)
        let values = try zip(nestedValues, types).map { try ABIValue(argument: $0, as: $1) }
        return (types, try ABI.encode(values, as: types))
    }

    @Test("every truncation is refused")
    func truncations() throws {
        let (types, data) = try Self.encodedNested()
        for count in 0..<data.count {
            #expect(throws: ABIError.self, "\(count)") { try ABI.decode(data.prefix(count), as: types) }
        }
        for count in 0..<(data.count - 32) {
            #expect(throws: ABIError.self, "\(count)") {
                try ABI.decode(data.prefix(count), as: types, layout: .lenient)
            }
        }
    }

    @Test("every changed bit is refused or changes a value, and what is taken encodes to the same bytes")
    func flips() throws {
        let (types, data) = try Self.encodedNested()
        let values = try ABI.decode(data, as: types)
        for index in data.indices {
            for bit in 0..<8 {
                var changed = data
                changed[index] ^= 1 << bit
                if let decoded = try? ABI.decode(changed, as: types) {
                    #expect(decoded != values)
                    #expect(try ABI.encode(decoded, as: types) == changed)
                }
                if let decoded = try? ABI.decode(changed, as: types, layout: .lenient) {
                    #expect(decoded != values)
                }
            }
        }
    }

    @Test("whatever strict decoding takes, encoding gives back; nothing traps", arguments: 0..<40 as Range<UInt64>)
    func noise(seed: UInt64) throws {
        var dice = Dice(seed: seed)
        let vectors = try Vector.all.get()
        for _ in 0..<50 {
            guard let vector = vectors.randomElement(using: &dice) else { continue }
            var data = vector.encoding
            for _ in 0..<Int.random(in: 1...3, using: &dice) where data.count >= 32 {
                let start = Int.random(in: 0..<(data.count / 32), using: &dice) * 32
                let edges: [UInt64] = [0, 1, 31, 32, 33, 64, 1 << 31, 1 << 62, 1 << 63, .max, dice.next()]
                let chosen = try bytes(word(edges.randomElement(using: &dice) ?? 0))
                data.replaceSubrange(start..<(start + 32), with: chosen)
            }
            if let decoded = try? ABI.decode(data, as: vector.types) {
                #expect(try ABI.encode(decoded, as: vector.types) == data)
            }
            _ = try? ABI.decode(data, as: vector.types, layout: .lenient)
        }
    }
}
