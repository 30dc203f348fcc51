package import ArgumentParser
import Failures

/// `--timeout`: how long the program waits.
package struct TimeoutOption: ParsableArguments {
    @Option(
        help: ArgumentHelp("How long to wait. [environment: ETH_TIMEOUT]", valueName: "seconds"),
        transform: TimeoutOption.seconds)
    package var timeout: Duration?

    package init() {}

    /// The most that makes sense: a day.
    private static let longest = 86_400.0

    /// A number of seconds, fractions allowed.
    package static func seconds(_ text: String) throws(DurationError) -> Duration {
        guard let seconds = Double(text), seconds >= 0, seconds <= longest else { throw DurationError(text: text) }
        return .seconds(seconds)
    }

    /// The time by option or environment, or else the default.
    package func duration(default defaultDuration: Duration) throws(SettingError) -> Duration {
        if let timeout { return timeout }
        if let duration = try Environment.parsed("ETH_TIMEOUT", by: Self.seconds) { return duration }
        return defaultDuration
    }
}

/// A text that is no length of time.
package struct DurationError: Error, CustomStringConvertible {
    let text: String
    package var description: String { "not a number of seconds from 0 to 86400: \(text.quoted())" }
}
