import Failures

/// `--timeout`, or ETH_TIMEOUT, and whatever else is a number of seconds; each program says what its own bounds.
package enum TimeoutOption {
    /// The most that makes sense: a day.
    private static let longest = 86_400.0

    /// A number of seconds, fractions allowed.
    package static func seconds(_ text: String) throws(DurationError) -> Duration {
        guard let seconds = Double(text), seconds >= 0, seconds <= longest else { throw DurationError(text: text) }
        return .seconds(seconds)
    }

    /// The time that the option names, else the environment, else the default.
    package static func duration(
        _ option: Duration?, default defaultDuration: Duration
    ) throws(SettingError) -> Duration {
        if let option { return option }
        return try Environment.parsed("ETH_TIMEOUT", by: seconds) ?? defaultDuration
    }
}

/// A text that is no length of time.
package struct DurationError: Error, CustomStringConvertible {
    let text: String
    package var description: String { "not a number of seconds from 0 to 86400: \(text.quoted())" }
}
