import ABI
import Primitives
import Testing

@Suite struct CodingTests {
    @Test("eth-abi encodes the same values to the same bytes", arguments: try Vector.all.get())
    func encodes(vector: Vector) throws {
        #expect(try ABI.encode(vector.values, as: vector.types) == vector.encoding)
    }

    @Test("eth-abi's bytes decode to the same values in either layout", arguments: try Vector.all.get())
    func decodes(vector: Vector) throws {
        #expect(try ABI.decode(vector.encoding, as: vector.types) == vector.values)
        #expect(try ABI.decode(vector.encoding, as: vector.types, layout: .lenient) == vector.values)
    }

    @Test("the vectors are there, hundreds of them")
    func vectors() throws { #expect(try Vector.all.get().count >= 300) }

    @Test("the specification's examples", arguments: try Example.all.get())
    func specification(example: Example) throws {
        let function = try ABIFunction(example.signature)
        let values = try function.inputs.values(arguments: example.arguments)
        #expect(try function.encodeCall(values) == example.calldata)
        #expect(try function.decodeCall(example.calldata) == values)
    }

    @Test("integers of every width stop at their limits")
    func integerLimits() throws {
        for bits in stride(from: 8, through: 256, by: 8) {
            let unsigned = try ABIType("uint\(bits)")
            let signed = try ABIType("int\(bits)")
            let most = try UInt256(quantity: "0x" + String(repeating: "f", count: bits / 4))
            let highest = most.quotientAndRemainder(dividingBy: 2).quotient
            let lowest = ~highest
            let good: [(ABIValue, ABIType)] = [
                (.uint(0), unsigned), (.uint(most), unsigned), (.int(Int256(word: highest)), signed),
                (.int(Int256(word: lowest)), signed), (.int(-1), signed), (.int(0), signed),
            ]
            for (value, type) in good {
                #expect(try ABI.decode(ABI.encode([value], as: [type]), as: [type]) == [value])
            }
            guard bits < 256 else { continue }
            let bad: [(ABIValue, ABIType)] = [
                (.uint(most &+ 1), unsigned), (.int(Int256(word: highest &+ 1)), signed),
                (.int(Int256(word: lowest &+ .max)), signed),
            ]
            for (value, type) in bad {
                #expect(throws: ABIError.outOfRange(place: "args[0]", type: "\(type)")) {
                    try ABI.encode([value], as: [type])
                }
            }
        }
    }

    @Test(
        "a value of another kind or count is refused, and where it stands is told",
        arguments: [
            ("uint8", .int(1), .wrongKind(place: "args[0]", type: "uint8", actual: "a signed integer")),
            ("int8", .uint(1), .wrongKind(place: "args[0]", type: "int8", actual: "an unsigned integer")),
            ("bytes4", .fixedBytes([1]), .wrongKind(place: "args[0]", type: "bytes4", actual: "1 fixed bytes")),
            ("bytes4", .bytes([1, 2, 3, 4]), .wrongKind(place: "args[0]", type: "bytes4", actual: "bytes")),
            ("bytes", .string("a"), .wrongKind(place: "args[0]", type: "bytes", actual: "a string")),
            ("function", .address(.zero), .wrongKind(place: "args[0]", type: "function", actual: "an address")),
            ("bool[2]", .array([.bool(true)]), .wrongCount(place: "args[0]", type: "bool[2]", expected: 2, actual: 1)),
            ("bool[0]", .array([.bool(true)]), .wrongCount(place: "args[0]", type: "bool[0]", expected: 0, actual: 1)),
            ("(bool)", .tuple([]), .wrongCount(place: "args[0]", type: "(bool)", expected: 1, actual: 0)),
            ("(bool)", .array([]), .wrongKind(place: "args[0]", type: "(bool)", actual: "an array")),
            ("bool[]", .tuple([]), .wrongKind(place: "args[0]", type: "bool[]", actual: "a tuple")),
            (
                "(bool,(uint8[] list) inner)[]",
                .array([.tuple([.bool(true), .tuple([.array([.uint(1), .uint(256)])])])]),
                .outOfRange(place: "args[0][0].inner.list[1]", type: "uint8")
            ),
        ] as [(String, ABIValue, ABIError)])
    func mismatch(type: String, value: ABIValue, error: ABIError) {
        #expect(throws: error) { try ABI.encode([value], as: [ABIType(type)]) }
    }

    @Test("as many values as types are needed")
    func count() {
        let error = ABIError.wrongCount(place: "args", type: "(bool)", expected: 1, actual: 2)
        #expect(throws: error) { try ABI.encode([.bool(true), .bool(true)], as: [.bool]) }
    }
}
