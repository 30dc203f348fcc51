import Failures
import JSON

extension ABIDefinition {
    /// How many bytes the definitions of an interface may have: one of a large contract has some ten thousand.
    static let textLimit = 1 << 20

    /// The entries of an interface: objects as compilers write them, or definitions as a contract's source has them, of
    /// which those of structs say what others' parameters are.
    ///
    /// A fault in an entry makes it ``unusable(_:)``, since the others may be good.
    /// - Throws: ``ABIError/json(_:)`` for another kind of value, ``ABIError/notAnEntry(_:)`` for another text.
    static func list(_ entries: [JSONValue]) throws(ABIError) -> [ABIDefinition] {
        let texts = entries.compactMap(\.string)
        guard texts.reduce(0, { $0 + $1.utf8.count }) <= textLimit else {
            throw .definitionsTooLong(limit: textLimit)
        }
        var structs = StructTypes(texts)
        return try entries.filter { !($0.string.map(StructTypes.isStruct) ?? false) }.map { entry throws(ABIError) in
            if let text = entry.string { return try ABIDefinition(text: structs.expand(text)) }
            guard let object = entry.object else { throw .json(.notAnObject(line: 1)) }
            do { return try ABIDefinition(object) } catch {
                return .unusable(UnusableEntry(object, reason: "\(error)"))
            }
        }
    }

    /// An entry from its definition: `event Posted(bytes32 indexed to, bytes payload)`. One that does not go on as it
    /// begins is ``unusable(_:)``.
    ///
    /// - Throws: ``ABIError/notAnEntry(_:)`` if it does not begin with the word for one.
    private init(text: String) throws(ABIError) {
        var scanner = SignatureScanner(text)
        let word = scanner.identifier() ?? ""
        let read: (String) throws(ABIError) -> ABIDefinition
        switch word {
        case "function": read = { text throws(ABIError) in .function(try ABIFunction(text)) }
        case "event": read = { text throws(ABIError) in .event(try ABIEvent(text)) }
        case "error": read = { text throws(ABIError) in .revert(try ABIRevert(text)) }
        case "constructor": read = { text throws(ABIError) in .constructor(try ABIConstructor(text)) }
        case "fallback", "receive": read = { _ in .fallback }
        default: throw .notAnEntry(text)
        }
        do { self = try read(text) } catch {
            self = .unusable(
                UnusableEntry(
                    UnusableEntry.Item(rawValue: word) ?? .entry, name: scanner.identifier(), reason: "\(error)"))
        }
    }
}

/// What the structs consist of that definitions have as types.
private struct StructTypes {
    /// The components in parentheses, by the struct's name, as they are written.
    private var written: [String: [UInt8]] = [:]
    /// The same with those of other structs in them.
    private var tuples: [String: [UInt8]] = [:]
    /// How many bytes more may be put into definitions.
    private var rest = ABIDefinition.textLimit

    /// How many structs there may be, and how many bytes one may have with others in it: they multiply.
    private static let countLimit = 256, byteLimit = 4096

    /// Takes the structs among the definitions, `struct Order { address maker; uint256 amount; }`, in any order.
    init(_ definitions: [String]) {
        var contradictory: Set<String> = []
        for text in definitions.filter(Self.isStruct).prefix(Self.countLimit) {
            let parts = text.split(maxSplits: 2) { "{}".contains($0) }
            guard let head = parts.first, let body = parts.dropFirst().first,
                let name = head.split(whereSeparator: \.isWhitespace).last
            else { continue }
            let components = body.split(separator: ";").filter { !$0.allSatisfy(\.isWhitespace) }
            let tuple = Array("(\(components.joined(separator: ",")))".utf8)
            // Of two different structs of a name nobody can tell which is meant.
            if let other = written.updateValue(tuple, forKey: String(name)), other != tuple {
                contradictory.insert(String(name))
            }
        }
        for name in contradictory {
            written[name] = nil
        }
    }

    static func isStruct(_ text: String) -> Bool {
        var scanner = SignatureScanner(text)
        return scanner.take(keyword: "struct")
    }

    /// A definition with components in place of structs' names; without, if that would be too long.
    mutating func expand(_ text: String) -> String {
        guard rest > 0, !written.isEmpty || !tuples.isEmpty else { return text }
        let result = expand(Array(text.utf8))
        rest -= result.count
        return rest < 0 ? text : String(decoding: result, as: UTF8.self)
    }

    /// The text with components in place of the names where a type stands, after a parenthesis or a comma.
    private mutating func expand(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var word: [UInt8] = []
        var isType = false
        for byte in text + [0] where result.count <= Self.byteLimit {
            if SignatureScanner.isLetter(byte) || SignatureScanner.isDigit(byte) {
                word.append(byte)
                continue
            }
            if !word.isEmpty {
                result += (isType ? tuple(String(decoding: word, as: UTF8.self)) : nil) ?? word
                word = []
                isType = false
            }
            if byte > 0x20 { isType = byte == UInt8(ascii: "(") || byte == UInt8(ascii: ",") }
            result.append(byte)
        }
        return result.count <= Self.byteLimit ? result.dropLast() : text
    }

    private mutating func tuple(_ name: String) -> [UInt8]? {
        if let tuple = tuples[name] { return tuple }
        // Once it is taken out, a struct that has itself in it ends at its own name.
        guard let tuple = written.removeValue(forKey: name) else { return nil }
        tuples[name] = expand(tuple)
        return tuples[name]
    }
}
