package import Failures
import Glibc

/// Why a setting cannot be used.
package enum SettingError: UserFacingError, Equatable {
    /// Neither the option nor the environment names it.
    case missing(what: String, option: String, environment: String)
    /// The environment's value is invalid.
    case invalid(environment: String, reason: String, hints: [String] = [])
    /// The option's value is invalid, and may be too secret to be repeated.
    case unusable(option: String, reason: String, hints: [String] = [])

    package var kind: ErrorCategory { .badInput }

    package var description: String {
        switch self {
        case .missing(let what, _, _): "\(what) is not set"
        case .invalid(let environment, let reason, _):
            "the environment variable \(environment) cannot be used: \(reason)"
        case .unusable(let option, let reason, _): "the value of \(option) cannot be used: \(reason)"
        }
    }

    package var hints: [String] {
        switch self {
        case .missing(_, let option, let environment): ["use \(option), or set \(environment) in the environment"]
        case .invalid(_, _, let hints), .unusable(_, _, let hints): hints
        }
    }
}

/// Options that were given together and exclude each other.
package struct ExclusiveOptions: UserFacingError, Equatable {
    private let names: [String]

    init(_ names: [String]) { self.names = names }

    package var kind: ErrorCategory { .badInput }
    package var description: String {
        "\(names.dropLast().joined(separator: ", ")) and \(names.last ?? "") exclude each other: give one of them"
    }

    /// Checks that of several options at most one is given.
    ///
    /// - Parameter options: their names, and whether each is given.
    /// - Throws: ``ExclusiveOptions`` with those that are.
    package static func check(_ options: KeyValuePairs<String, Bool>) throws(ExclusiveOptions) {
        let given = options.filter { $0.value }.map { $0.key }
        guard given.count < 2 else { throw ExclusiveOptions(given) }
    }
}

/// A text that is neither a value nor one of the names that stand for values.
package struct UnknownName: UserFacingError, Equatable {
    /// What it should name: "a chain's id or name".
    let what: String
    let text: String
    let names: [String]

    package init(what: String, text: String, names: some Sequence<String>) {
        self.what = what
        self.text = text
        self.names = names.sorted()
    }

    package var kind: ErrorCategory { .badInput }
    package var description: String { "not \(what): \(text.hidingKeys.quoted())" }
    package var hints: [String] { ["known names: \(names.joined(separator: ", "))"] }
}

/// The environment variables that set options.
package enum Environment {
    /// The value of a variable; nil if it is unset or empty.
    package static func value(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// The value of the first of the variables that is set, read by `parse`.
    ///
    /// - Throws: ``SettingError/invalid(environment:reason:hints:)`` with what `parse` says.
    package static func parsed<Value, Reason: Error>(
        _ names: String..., by parse: (String) throws(Reason) -> Value
    ) throws(SettingError) -> Value? {
        for name in names {
            guard let text = value(name) else { continue }
            do { return try parse(text) } catch {
                let hints = text.quotesHint.map { [$0] } ?? (error as? any UserFacingError)?.hints ?? []
                throw .invalid(environment: name, reason: "\(error)".hidingKeys, hints: hints)
            }
        }
        return nil
    }
}
