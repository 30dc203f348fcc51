package import Failures

/// Why a text is not the JSON that was needed. Lines count from 1.
package enum JSONError: UserFacingError, Equatable {
    /// Not JSON (RFC 8259); `expected` says what should have stood there.
    case syntax(line: Int, expected: String)
    /// The input ends inside a value that began at `line`.
    case truncated(line: Int)
    /// A duplicate name in an object.
    case duplicateMember(line: Int, member: String)
    /// Arrays and objects inside each other beyond the limit.
    case tooDeep(line: Int, limit: Int)
    /// More values in one text than the limit.
    case tooManyValues(line: Int, limit: Int)
    /// One value with more bytes than the limit.
    case tooLarge(line: Int, limit: Int)
    /// A member, named by its path, that must be there.
    case missingMember(line: Int, member: String)
    /// A member whose value is not `expected`.
    case illTyped(line: Int, member: String, expected: String)
    /// A member that means nothing here; `near` is the one that may have been meant.
    case unknownMember(line: Int, member: String, near: String?)
    /// A member that is known, and not taken; `reason` says why, and what to write.
    case refusedMember(line: Int, member: String, reason: String)
    /// A value that should have been an object.
    case notAnObject(line: Int)

    package var kind: ErrorCategory { .badInput }

    package var hints: [String] {
        switch self {
        case .tooManyValues: ["instead of one array, write JSON Lines: one object per line"]
        case .unknownMember(_, _, let near?): ["did you mean \(near.quoted())?"]
        default: []
        }
    }

    package var description: String {
        switch self {
        case .syntax(let line, let expected): "line \(line): not JSON: expected \(expected)"
        case .truncated(let line): "line \(line): the input ends inside the JSON value that begins here"
        case .duplicateMember(let line, let member): "line \(line): member \(member.quoted()) appears twice"
        case .tooDeep(let line, let limit): "line \(line): JSON nested deeper than \(limit) levels"
        case .tooManyValues(let line, let limit): "line \(line): more than \(limit) values in one JSON text"
        case .tooLarge(let line, let limit): "line \(line): a JSON value of more than \(limit) bytes"
        case .missingMember(let line, let member): "line \(line): member \(member.quoted()) is missing"
        case .illTyped(let line, let member, let expected):
            "line \(line): member \(member.quoted()) is not \(expected)"
        case .unknownMember(let line, let member, _): "line \(line): member \(member.quoted()) is unknown"
        case .refusedMember(let line, let member, let reason): "line \(line): member \(member.quoted()): \(reason)"
        case .notAnObject(let line): "line \(line): not a JSON object"
        }
    }
}

/// Where an array or an object is: a member of the enclosing object, or an element of the enclosing array.
///
/// A link to the place around, not a text: long names would be copied into every place below them.
final class JSONLocation: Sendable {
    private let around: JSONLocation?
    private let step: Step

    /// The way from one value to one inside it.
    enum Step: Sendable {
        case member(String)
        case element(Int)
    }

    init(_ step: Step, in around: JSONLocation?) {
        self.around = around
        self.step = step
    }

    /// The names from the outermost value on, each followed by a full stop.
    var path: String {
        var steps: [String] = []
        var place: JSONLocation? = self
        while let current = place {
            switch current.step {
            case .member(let name): steps.append("\(name).")
            case .element(let index): steps.append("\(index).")
            }
            place = current.around
        }
        return steps.reversed().joined()
    }
}
