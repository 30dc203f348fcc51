import Failures
import Glibc

/// The environment variables that stand in for options.
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
                let hints = (error as? any Failure)?.hints ?? []
                throw .invalid(environment: name, reason: "\(error)".hidingKeys, hints: hints)
            }
        }
        return nil
    }
}
