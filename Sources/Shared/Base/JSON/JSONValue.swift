import Failures

/// A JSON value as it was read, or as it is to be written.
package enum JSONValue: Equatable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number, in the digits it was written with: JSON's numbers have no size.
    case number(String)
    /// A text, without its quotes and escapes.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object.
    case object(JSONObject)

    /// A whole number.
    package static func number(_ value: some BinaryInteger & Sendable) -> JSONValue { .number(String(value)) }

    /// An object whose members are written in this order; those that are nil are left out.
    package static func members(_ members: KeyValuePairs<String, JSONValue?>) -> JSONValue {
        .object(JSONObject(members: members.compactMap { name, value in value.map { (name, $0) } }))
    }

    /// The value as text, or nil if it is no string.
    package var string: String? { if case .string(let text) = self { text } else { nil } }
    /// The elements, or nil if it is no array.
    package var array: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
    /// The object, or nil if it is none.
    package var object: JSONObject? { if case .object(let object) = self { object } else { nil } }
    /// The truth value, or nil if it is none.
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// Whether this is null.
    package var isNull: Bool { self == .null }
}

/// A JSON object: its members in the order in which they stood, and where it stood.
package struct JSONObject: Equatable, Sendable {
    /// Names and values; each name appears once.
    package private(set) var members: [(name: String, value: JSONValue)]
    /// The line on which the object begins.
    package let line: Int
    private let place: JSONLocation?
    /// The names that lead to it from the outermost value, each followed by a full stop; empty for the outermost value
    /// itself.
    package var path: String { place?.path ?? "" }

    package init(members: [(name: String, value: JSONValue)], line: Int = 1) {
        self.init(members: members, line: line, place: nil)
    }

    init(members: [(name: String, value: JSONValue)], line: Int, place: JSONLocation?) {
        self.members = members
        self.line = line
        self.place = place
    }

    /// The value of a member, or nil if it is absent.
    package subscript(name: String) -> JSONValue? { members.first { $0.name == name }?.value }

    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.elementsEqual(right.members) { $0 == $1 }
    }

    /// The error for a member whose value is not `expected`.
    package func illTyped(_ name: String, expected: String) -> JSONError {
        .illTyped(line: line, member: path + name, expected: expected)
    }

    /// Checks that there are no other members than these.
    ///
    /// - Throws: ``JSONError/unknownMember(line:member:near:)``.
    package func allow(_ names: [String]) throws(JSONError) {
        guard let (name, _) = members.first(where: { !names.contains($0.name) }) else { return }
        throw unknownMember(name, among: names)
    }

    /// The error for a member that is none of these.
    package func unknownMember(_ name: String, among names: [String]) -> JSONError {
        .unknownMember(line: line, member: path + name, near: name.nearest(among: names))
    }

    /// The value of a member that must be there.
    ///
    /// - Throws: ``JSONError/missingMember(line:member:)``.
    package func required(_ name: String) throws(JSONError) -> JSONValue {
        guard let value = self[name] else { throw .missingMember(line: line, member: path + name) }
        return value
    }

    /// The text of a member that must be there.
    ///
    /// - Throws: ``JSONError`` if it is absent, or not a string.
    package func string(_ name: String) throws(JSONError) -> String {
        guard let text = try required(name).string else { throw illTyped(name, expected: "a string") }
        return text
    }

    /// The text of a member that may be absent; null is not absent.
    ///
    /// - Throws: ``JSONError`` if it is not a string.
    package func optionalString(_ name: String) throws(JSONError) -> String? {
        self[name] == nil ? nil : try string(name)
    }

    /// The object that a member, which must be there, is.
    ///
    /// - Throws: ``JSONError`` if it is absent, or not an object.
    package func object(_ name: String) throws(JSONError) -> JSONObject {
        guard let object = try required(name).object else { throw illTyped(name, expected: "an object") }
        return object
    }

    /// The array that a member, which must be there, is.
    ///
    /// - Throws: ``JSONError`` if it is absent, or not an array.
    package func array(_ name: String) throws(JSONError) -> [JSONValue] {
        guard let elements = try required(name).array else { throw illTyped(name, expected: "an array") }
        return elements
    }

    /// A member that must be there, read by `parse` from its text.
    ///
    /// - Parameter expected: what the text should be, for the error: "32 bytes of hex".
    /// - Throws: ``JSONError`` if it is absent or not a string, or if `parse` throws.
    package func parsed<Value, Reason: Error>(
        _ name: String, as expected: String, _ parse: (String) throws(Reason) -> Value
    ) throws(JSONError) -> Value {
        let text = try string(name)
        do { return try parse(text) } catch {
            throw illTyped(name, expected: "\(expected): \(error)")
        }
    }

    /// As ``parsed(_:as:_:)`` for a member that may be absent.
    ///
    /// - Throws: ``JSONError`` if it is not a string, or if `parse` throws.
    package func optionalParsed<Value, Reason: Error>(
        _ name: String, as expected: String, _ parse: (String) throws(Reason) -> Value
    ) throws(JSONError) -> Value? {
        self[name] == nil ? nil : try parsed(name, as: expected, parse)
    }
}

extension JSONValue {
    /// The value as compact JSON: no white space, members in their order, everything but quotes, backslashes and
    /// control characters as it is.
    package var compact: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .number(let digits): text += digits
        case .string(let string): Self.write(string, to: &text)
        case .array(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += "," }
                element.write(to: &text)
            }
            text += "]"
        case .object(let object):
            text += "{"
            for (index, member) in object.members.enumerated() {
                if index > 0 { text += "," }
                Self.write(member.name, to: &text)
                text += ":"
                member.value.write(to: &text)
            }
            text += "}"
        }
    }

    private static func write(_ string: String, to text: inout String) {
        text += "\""
        defer { text += "\"" }
        if string.utf8.allSatisfy({ 0x20...0x7E ~= $0 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            text += string
            return
        }
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            // DEL and the C1 controls as well as C0: a terminal obeys them, and JSON allows their escapes.
            case "\u{00}"..."\u{1F}", "\u{7F}"..."\u{9F}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
