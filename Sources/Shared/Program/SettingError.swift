package import Failures

/// Why a setting cannot be used.
package enum SettingError: Failure, Equatable {
    /// Neither the option nor the environment names it.
    case missing(what: String, option: String, environment: String)
    /// The environment's value is not what it should be.
    case invalid(environment: String, reason: String)
    /// The option's value is not what it should be, and may be too secret to be repeated.
    case unusable(option: String, reason: String)

    package var kind: FailureKind { .badInput }

    package var description: String {
        switch self {
        case .missing(let what, _, _): "\(what) is not set"
        case .invalid(let environment, let reason): "the environment's \(environment) cannot be used: \(reason)"
        case .unusable(let option, let reason): "the value of \(option) cannot be used: \(reason)"
        }
    }

    package var hints: [String] {
        guard case .missing(_, let option, let environment) = self else { return [] }
        return ["use \(option), or set \(environment) in the environment"]
    }
}
