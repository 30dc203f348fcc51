import FoundationEssentials
import JSON

/// JSON as Foundation reads it, to hold against what JSONParser reads.
enum FoundationJSON: Decodable {
    case null
    /// nil for one that Foundation refuses.
    case number(Double?)
    case bool(Bool)
    case string(String)
    case array([FoundationJSON])
    case object([MemberName: FoundationJSON])

    /// What Foundation reads; nil if it refuses.
    init?(_ bytes: [UInt8]) {
        guard let value = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else { return nil }
        self = value
    }

    struct MemberName: CodingKey, Hashable {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        if let members = try? decoder.container(keyedBy: MemberName.self) {
            self = .object(
                try Dictionary(
                    uniqueKeysWithValues: members.allKeys.map { ($0, try members.decode(Self.self, forKey: $0)) }))
        } else if var elements = try? decoder.unkeyedContainer() {
            var values: [Self] = []
            while !elements.isAtEnd { values.append(try elements.decode(Self.self)) }
            self = .array(values)
        } else {
            let value = try decoder.singleValueContainer()
            if value.decodeNil() {
                self = .null
            } else if let isTrue = try? value.decode(Bool.self) {
                self = .bool(isTrue)
            } else if let text = try? value.decode(String.self) {
                self = .string(text)
            } else {
                self = .number(try? value.decode(Double.self))
            }
        }
    }

    static func == (left: FoundationJSON, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        // Foundation refuses what is too large for a Double, or too near to zero.
        case (.number(let left), .number(let digits)):
            left == Double(digits) || left == nil && Double(digits).map { $0 == 0 || $0.isInfinite } ?? true
        case (.bool(let left), .bool(let right)): left == right
        // Swift's == takes letters for the same that are written with other bytes.
        case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0 == $1 }
        case (.object(let left), .object(let right)):
            left.count == right.members.count
                && right.members.allSatisfy { name, value in
                    left[MemberName(stringValue: name)].map { $0 == value } ?? false
                }
        default: false
        }
    }
}
