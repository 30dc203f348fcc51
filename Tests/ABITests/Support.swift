import ABI
import JSON
import Primitives
import TestVectors
import Testing

/// Bytes from hex that is written a word a line.
func bytes(_ lines: String) throws -> [UInt8] {
    try Hex.decode(lines.filter { !$0.isWhitespace }, prefix: .none)
}

func types(_ texts: [String]) throws -> [ABIType] { try texts.map { text throws in try ABIType(text) } }

/// The entry of an interface that a JSON text is.
func entry(_ json: String) throws -> ABIDefinition {
    guard let object = try JSONParser.parse(json).object else { throw JSONError.notAnObject(line: 1) }
    return try ABIDefinition(object)
}

/// The interface of the one contract in a document.
func interface(_ document: String, name: String? = nil) throws -> ContractABI {
    try ContractArtefact.list(in: Array(document.utf8)).contract(named: name).interface()
}

/// One row of Tests/vectors/abi-eth-abi.json.
struct Vector: CustomTestStringConvertible {
    let types: [ABIType]
    let values: [ABIValue]
    let encoding: [UInt8]
    let testDescription: String

    init(_ object: JSONObject) throws {
        let names = try object.array("types").compactMap(\.string)
        types = try ABITests.types(names)
        values = try zip(types, object.array("values")).map { type, json in try ABIValue(json: json, as: type) }
        encoding = try Hex.decode(object.string("encoding"))
        testDescription = names.joined(separator: ",")
    }

    static let all = Result {
        try TestVectors.load("abi-eth-abi.json", member: "vectors").map(Vector.init)
    }
}

/// An example of Solidity's "Contract ABI Specification", as Tests/vectors/abi-specification.json has them.
struct Example: CustomTestStringConvertible {
    let signature: String
    let arguments: [String]
    let calldata: [UInt8]
    var testDescription: String { signature }

    init(_ object: JSONObject) throws {
        signature = try object.string("signature")
        arguments = try object.array("arguments").compactMap(\.string)
        calldata = try bytes(object.array("words").compactMap(\.string).joined())
    }

    static let all = Result {
        try TestVectors.load("abi-specification.json", member: "vectors").map(Example.init)
    }
}

extension Int256: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: Int64) {
        let magnitude = UInt256(value.magnitude)
        self.init(word: value < 0 ? ~magnitude &+ 1 : magnitude)
    }
}

/// A generator of the same numbers in every run (SplitMix64).
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A number as the hex digits of a word.
func word(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 64 - digits.count) + digits
}
