import ABI
import ArgumentParser
import CommandLineTool
import Console
import Failures
import JSON
import Primitives
import Transactions

/// Something to decode, and the line of the input on which it stood.
struct Encoding<Item> {
    let item: Item
    let line: Int?
}

extension DecodeOptions {
    /// What the input has to decode.
    ///
    /// - Parameters:
    ///   - source: where it stands: hex, or the path of a file; nil and `-` are standard input.
    ///   - awaited: what it should hold, for hints and errors.
    ///   - hex: makes an item of the bytes that stand as hex.
    ///   - list: the items of a JSON document.
    func encodings<Item>(
        in source: String?, awaited: String, hex item: ([UInt8]) -> Item,
        list: (JSONObject) throws(JSONError) -> [Item]
    ) throws -> [Encoding<Item>] {
        if let source, source.hasPrefix("0x") { return [Encoding(item: item(try Hex.decode(source)), line: nil)] }
        let input = try Input(path: source, awaited: awaited, diagnostics: ABIEncode.diagnostics)
        let bytes = try input.readAll(limit: inputLimit)
        let values = try Self.values(in: bytes)
        guard !values.isEmpty else { throw ConsoleError.empty(path: input.path, awaited: awaited) }
        return try values.flatMap { line, value -> [Encoding<Item>] in
            if let text = value.string {
                do throws(PrimitiveError) { return [Encoding(item: item(try Hex.decode(text)), line: line)] } catch {
                    throw EncodingError(line: line, failure: error)
                }
            }
            guard let object = value.object else { throw JSONError.notAnObject(line: line) }
            return try list(object).map { Encoding(item: $0, line: line) }
        }
    }

    /// The same for plain bytes, which `find` gets from a document.
    func encodings(
        in source: String?, awaited: String, find: (JSONObject) throws(JSONError) -> [UInt8]
    ) throws -> [Encoding<[UInt8]>] {
        try encodings(
            in: source, awaited: awaited, hex: { $0 }, list: { object throws(JSONError) in [try find(object)] })
    }

    /// The JSON values of the input, and its lines of hex as if they were JSON's strings.
    private static func values(in bytes: [UInt8]) throws(JSONError) -> [JSONStream.Element] {
        let isSpace: (UInt8) -> Bool = { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        guard bytes.first(where: { !isSpace($0) }) == UInt8(ascii: "0") else {
            var stream = JSONStream(limit: inputLimit)
            let values = try stream.feed(bytes)
            return values + (try stream.finish())
        }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        return lines.compactMap { index, line -> JSONStream.Element? in
            let words = line.split(whereSeparator: isSpace)
            guard !words.isEmpty else { return nil }
            return (index + 1, .string(String(decoding: Array(words.joined(separator: [0x20])), as: UTF8.self)))
        }
    }

    /// Prints what each item says. One that says nothing is reported, and the others are decoded all the same.
    ///
    /// - Throws: `ExitCode` after the last item, if one did not decode.
    func decode<Item>(
        _ encodings: [Encoding<Item>], _ decode: (Item) throws(ABIError) -> JSONValue
    ) throws {
        var status = ExitStatus.done
        for encoding in encodings {
            let json: JSONValue
            do { json = try decode(encoding.item) } catch {
                let failure = EncodingError(
                    line: encoding.line, failure: error, kind: .negativeResult, isInterfaceDefault: file.abi == nil)
                status = ABIEncode.diagnostics.report(failure)
                continue
            }
            try Descriptor.standardOutput.writeLine(json.compact)
        }
        guard status == .done else { throw ExitCode(status) }
    }
}

/// What is wrong with something to decode, and where it stood.
private struct EncodingError: UserFacingError {
    let line: Int?
    let failure: any UserFacingError
    var kind: ErrorCategory = .badInput
    /// Whether the interface is TEEBridge's because no other was named.
    var isInterfaceDefault = false

    var description: String { (line.map { "line \($0): " } ?? "") + "\(failure)" }
    var hints: [String] {
        guard isInterfaceDefault, case ABIError.unknownItem = failure else { return failure.hints }
        return ["only TEEBridge's interface is built in; give the definition, or another interface with --abi"]
    }
}

extension JSONObject {
    /// The bytes of a member that is hex.
    ///
    /// - Throws: ``JSONError`` if it is absent, or not hex.
    func hex(_ name: String) throws(JSONError) -> [UInt8] {
        try parsed(name, as: "hex") { text throws(PrimitiveError) in try Hex.decode(text) }
    }
}

/// What a request has besides the contract and the data.
struct RequestOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Ether to send with the call: wei, or with a unit, as 0.1ether.", valueName: "amount"),
        transform: UInt256.init(amount:))
    var value: UInt256 = 0

    @Option(help: ArgumentHelp("A human-readable name for the request.", valueName: "text"))
    var label: String?

    @Option(help: ArgumentHelp("The request's id in tx-send's journal.", valueName: "text"))
    var id: String?

    /// A request with these options.
    ///
    /// - Parameters:
    ///   - name: its label, if the options give none.
    ///   - mutability: what the interface says of the code that is called, which decides whether it takes ether.
    /// - Throws: ``NotPayable`` if the code takes no ether, and the options give some.
    func request(
        _ name: String, to: Address?, data: [UInt8], mutability: StateMutability?
    ) throws(NotPayable) -> TransactionRequest {
        guard value == 0 || mutability == nil || mutability == .payable else { throw NotPayable(name: name) }
        var request = TransactionRequest(label: label ?? name, to: to, data: data, value: value)
        request.id = id
        return request
    }
}

/// Ether for code that would revert because of it.
struct NotPayable: UserFacingError {
    let name: String
    var kind: ErrorCategory { .badInput }
    var description: String { "\(name.quoted()) is not payable, so it takes no --value" }
    var hints: [String] { ["leave --value out; or is it the wrong function?"] }
}
