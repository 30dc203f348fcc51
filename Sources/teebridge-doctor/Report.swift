import CommandLineTool
import Console
import Failures
import JSON

/// What a check found, printed at once as a line: the status, the check, and what was found or what to do.
struct Report {
    /// Whether lines are JSON.
    let isJSON: Bool
    /// How checks ended so far.
    private(set) var statuses: Set<Status> = []

    init(isJSON: Bool) { self.isJSON = isJSON }

    /// How a check ended.
    enum Status: String {
        /// All is as it should be.
        case ok
        /// A setting is wrong, or the answer is no.
        case no
        /// A service could not be reached.
        case unreachable
        /// Nothing is set that could be checked, or what the check needs has failed.
        case skipped
    }

    /// Prints what a check found.
    ///
    /// - Parameters:
    ///   - check: the check's name.
    ///   - hints: what to do about it.
    /// - Throws: `ConsoleError` if it cannot be printed.
    mutating func add(_ check: String, _ status: Status, _ text: String, hints: [String] = []) throws(ConsoleError) {
        statuses.insert(status)
        let line =
            if isJSON {
                JSONValue.members([
                    "check": .string(check), "status": .string(status.rawValue), "text": .string(text),
                    "hints": hints.isEmpty ? nil : .array(hints.map(JSONValue.string)),
                ]).compact
            } else {
                ([("\(status.rawValue): \(check): \(text)")] + hints).joined(separator: "; ").escapingControlCharacters
            }
        try Descriptor.standardOutput.writeLine(line)
    }

    /// Prints why a check failed.
    ///
    /// - Throws: `ConsoleError` if it cannot be printed.
    mutating func add(_ check: String, _ failure: any UserFacingError) throws(ConsoleError) {
        let status = failure.kind == .serviceFailed ? Status.unreachable : .no
        try add(check, status, failure.description, hints: failure.hints)
    }

    /// Runs a check and prints what it found, or why it failed.
    ///
    /// - Parameter body: gives what is printed, and what the check is for.
    /// - Returns: the latter; nil if the check failed.
    /// - Throws: `ConsoleError`, and what `body` throws that is not for the user.
    mutating func check<Found>(_ name: String, _ body: () throws -> (text: String, found: Found)) throws -> Found? {
        let result: (text: String, found: Found)
        do { result = try body() } catch let failure as any UserFacingError {
            try add(name, failure)
            return nil
        }
        try add(name, .ok, result.text)
        return result.found
    }

    /// The exit status: a wrong setting counts more than a service that may be back later.
    ///
    /// - Throws: ``DoctorError/nothingIsSet`` if nothing was checked.
    func exitStatus() throws(DoctorError) -> ExitStatus {
        guard statuses != [.skipped] else { throw .nothingIsSet }
        return statuses.contains(.no) ? .negativeResult : statuses.contains(.unreachable) ? .serviceFailed : .done
    }
}
