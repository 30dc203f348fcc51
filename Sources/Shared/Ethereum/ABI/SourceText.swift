import Failures
import JSON

extension ABIDefinition {
    /// The entries of an interface: objects as compilers write them, or definitions as a contract's source has them, of
    /// which those of structs say what others' parameters are.
    ///
    /// A fault in an entry makes it ``unusable(_:)``, since the others may be good.
    /// - Throws: ``ABIError/json(_:)`` for another kind of value, ``ABIError/notAnEntry(_:)`` for another text.
    static func list(_ entries: [JSONValue]) throws(ABIError) -> [ABIDefinition] {
        let structs = StructTypes(entries.compactMap(\.string))
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
    /// The components in parentheses, by the struct's name.
    private var tuples: [String: [UInt8]] = [:]

    /// How many bytes a definition may have with the structs' components in it: structs of structs multiply.
    private static let limit = 4096

    /// Takes the structs among the definitions, `struct Order { address maker; uint256 amount; }`, in any order.
    init(_ definitions: [String]) {
        for text in definitions where Self.isStruct(text) {
            let parts = text.split(maxSplits: 2) { "{}".contains($0) }
            guard parts.count > 1, let name = parts[0].split(whereSeparator: \.isWhitespace).last else { continue }
            let components = parts[1].split(separator: ";").filter { !$0.allSatisfy(\.isWhitespace) }
            tuples[String(name)] = Array("(\(components.joined(separator: ",")))".utf8)
        }
        // Each round puts the components of one level into those of the next.
        for _ in 0..<(tuples.isEmpty ? 0 : ABIType.depthLimit) { tuples = tuples.mapValues(expanded) }
    }

    static func isStruct(_ text: String) -> Bool {
        var scanner = SignatureScanner(text)
        return scanner.take(keyword: "struct")
    }

    /// A definition with components in place of structs' names.
    func expand(_ text: String) -> String {
        tuples.isEmpty ? text : String(decoding: expanded(Array(text.utf8)), as: UTF8.self)
    }

    /// The text with components in place of the names where a type stands, after a parenthesis or a comma; the text
    /// itself if that would be too long.
    private func expanded(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var rest = text[...]
        var isType = false
        while let first = rest.first, result.count <= Self.limit {
            let word = rest.prefix { SignatureScanner.isLetter($0) || SignatureScanner.isDigit($0) }
            if word.isEmpty {
                if ![0x20, 0x09, 0x0A, 0x0D].contains(first) { isType = "(,".utf8.contains(first) }
                result.append(first)
            } else {
                result += (isType ? tuples[String(decoding: word, as: UTF8.self)] : nil) ?? Array(word)
                isType = false
            }
            rest = rest.dropFirst(max(word.count, 1))
        }
        return rest.isEmpty && result.count <= Self.limit ? result : text
    }
}
