import ABI
import ArgumentParser
import CommandLineTool
import Console
import Failures
import JSON
import Primitives

/// What can be decoded; the name is that of errors and hints.
enum DecodeKind: String {
    case calldata
    case result = "results"
    case error = "revert data"
    case log = "logs"
}

/// Something to decode, and where it came from.
struct Encoding<Item> {
    /// What it is, or why the document has none.
    let item: Result<Item, NoEncoding>
    /// The line of the input on which it stood.
    let line: Int?
    var place = ChainPlace()
}

extension DecodeOptions {
    /// What the input has to decode.
    ///
    /// A document may be a node's whole answer: its result counts, or its error if that is what is decoded.
    /// - Parameters:
    ///   - source: where it stands: hex, or the path of a file; nil and `-` are standard input.
    ///   - hex: makes an item of the bytes that stand as hex.
    ///   - list: the items of a JSON document.
    func encodings<Item>(
        of kind: DecodeKind, in source: String?, hex item: ([UInt8]) -> Item,
        list: (JSONObject) throws(JSONError) -> [(item: Item, place: ChainPlace)]
    ) throws -> [Encoding<Item>] {
        if let source, source.hasPrefix("0x") {
            return [Encoding(item: .success(item(try Hex.decode(source))), line: nil)]
        }
        let input = try Input(path: source, awaited: kind.rawValue, diagnostics: ABIEncode.diagnostics)
        let bytes = try input.readText(limit: inputLimit)
        let values = try Self.values(in: bytes)
        guard !values.isEmpty else { throw input.emptiness }
        let file = input.file
        return try values.flatMap { line, value -> [Encoding<Item>] in
            let parts: [JSONValue]
            do throws(NoEncoding) { parts = try kind.parts(of: value) } catch {
                return [Encoding(item: .failure(error), line: line)]
            }
            return try parts.flatMap { part -> [Encoding<Item>] in
                if part.isNull { return [Encoding(item: .failure(.nothing), line: line)] }
                if let text = part.string {
                    do throws(PrimitiveError) {
                        return [Encoding(item: .success(item(try Hex.decode(text))), line: line)]
                    } catch { throw EncodingError(line: line, failure: error) }
                }
                guard let object = part.object else { throw JSONError.notAnObject(line: line) }
                do throws(JSONError) {
                    return try list(object).map { Encoding(item: .success($0.item), line: line, place: $0.place) }
                } catch {
                    // A document that is known, and has nothing of the kind.
                    guard case .missingMember = error,
                        let other = WrongDocument(object, in: file, awaited: kind.rawValue)
                    else { throw error }
                    throw other
                }
            }
        }
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

    /// Prints what each item says, and where in the chain it stands. One that says nothing is reported, and the others
    /// are decoded all the same.
    ///
    /// - Throws: `ExitCode` after the last item, if one did not decode.
    func decode<Item>(
        _ encodings: [Encoding<Item>], _ decode: (Item) throws(ABIError) -> JSONValue
    ) throws {
        var status = ExitStatus.done
        func report(_ failure: any UserFacingError, line: Int?) {
            status = ABIEncode.diagnostics.report(
                EncodingError(line: line, failure: failure, kind: .negativeResult, isInterfaceDefault: file.abi == nil))
        }
        for encoding in encodings {
            switch encoding.item {
            case .failure(let failure): report(failure, line: encoding.line)
            case .success(let item):
                let json: JSONValue
                do { json = try decode(item) } catch {
                    report(error, line: encoding.line)
                    continue
                }
                try Descriptor.standardOutput.writeLine(encoding.place.appended(to: json).compact)
            }
        }
        guard status == .done else { throw ExitCode(status) }
    }
}

extension DecodeKind {
    /// The parts of a document that may have something to decode: those of the result, if it is a node's answer or
    /// wrapped like one, or else the document itself.
    fileprivate func parts(of value: JSONValue) throws(NoEncoding) -> [JSONValue] {
        guard let object = value.object else { return [value] }
        let failure = object["error"].flatMap { $0.isNull ? nil : $0 }
        if self == .error, let failure { return [failure] }
        // A record of tx-send has its status instead.
        let isAnswer = object["jsonrpc"] != nil || (object["id"] != nil && object["status"] == nil)
        if isAnswer, let failure { throw .failed(code: failure.object?["code"], message: failure.message) }
        switch object["result"] {
        case .null? where isAnswer: throw .nothing
        case .array(let elements)? where self == .calldata || self == .log: return elements
        case .object(let object)? where self == .calldata || self == .log: return [.object(object)]
        case .string(let text)? where self == .result: return [.string(text)]
        case _? where isAnswer: throw .otherResult(awaited: rawValue)
        default: return [value]
        }
    }
}

extension JSONValue {
    /// What an error of a node says.
    fileprivate var message: String { object?["message"]?.string ?? string ?? compact }
}

/// Why a node's answer has nothing to decode.
enum NoEncoding: UserFacingError {
    /// The node answered with an error.
    case failed(code: JSONValue?, message: String)
    /// The node knows nothing of what was asked.
    case nothing
    /// The node answered with a result of another kind.
    case otherResult(awaited: String)

    var kind: ErrorCategory { .negativeResult }

    var description: String {
        switch self {
        case .failed(let code, let message):
            "the node answered with error\(code.map { " \($0.compact.prefix(20))" } ?? ""): \(message.quoted(limit: 200))"
        case .nothing: "the node answered null: it has no such transaction, block or receipt"
        case .otherResult(let awaited): "the node's result has no \(awaited)"
        }
    }

    var hints: [String] {
        if case .failed = self { ["abi-encode decode error decodes what a call reverted with"] } else { [] }
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
