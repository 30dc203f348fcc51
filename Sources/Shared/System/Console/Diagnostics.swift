package import Failures
import Glibc
import Synchronization

/// How a program speaks on standard error: `<program>: error: …`, lower case, no full stop.
package struct Diagnostics: Sendable {
    /// The name in front of every line.
    package let program: String

    package init(program: String) { self.program = program }

    /// Something failed.
    package func error(_ text: String) { say("error", text) }

    /// Something is unusual, and the program continues.
    package func warning(_ text: String) { say("warning", text) }

    /// What the user may do about it.
    package func hint(_ text: String) { say("hint", text) }

    /// A line of information: no error.
    package func note(_ text: String) { write("\(program): \(text)") }

    /// Says a failure and its hints, and gives the exit status that it means.
    package func report(_ failure: any UserFacingError) -> ExitStatus {
        error(failure.description)
        for text in failure.hints { hint(text) }
        return ExitStatus(failure.kind)
    }

    private func say(_ kind: String, _ text: String) { note("\(kind): \(text)") }

    /// One line, whatever strangers' text is in it.
    private func write(_ text: String) {
        let line = text.escapingControlCharacters + "\n"
        // There is nowhere to report that standard error is gone.
        _ = try? Descriptor.standardError.write(Array(line.utf8))
    }
}

/// The status that a program ends with; every program's the same.
package enum ExitStatus: Int32, Sendable {
    /// Done.
    case done = 0
    /// The answer is no.
    case negativeResult = 1
    /// Wrong usage or invalid input; nothing was sent.
    case badInput = 2
    /// A service could not be reached or timed out; known not sent.
    case serviceFailed = 3
    /// Sent, outcome unknown.
    case outcomeUnknown = 4

    /// The status for an error of a category.
    package init(_ kind: ErrorCategory) {
        self =
            switch kind {
            case .negativeResult: .negativeResult
            case .badInput: .badInput
            case .serviceFailed: .serviceFailed
            case .outcomeUnknown: .outcomeUnknown
            }
    }
}

/// Lines of one kind of which the first ten are said, and then how many more there were: whoever causes them floods
/// nobody.
package final class LineLimit {
    private static let limit = 10
    private let rest: String
    private let say: (String) -> Void
    private var count = 0

    /// - Parameters:
    ///   - rest: what the lines are called that are left out, as in "and 7 more warnings".
    ///   - say: says a line.
    package init(_ rest: String, _ say: @escaping (String) -> Void) {
        self.rest = rest
        self.say = say
    }

    /// Says a line, or counts it.
    package func add(_ line: String) {
        count += 1
        if count <= Self.limit { say(line) }
    }

    /// Says how many lines were left out, and begins anew.
    package func finish() {
        if count > Self.limit { say("and \(count - Self.limit) more \(rest)") }
        count = 0
    }
}

/// A line on standard error that is written over as things go on, for a person at a terminal; nothing elsewhere.
///
/// It appears only after a second. A terminal has one such line, whoever
/// shows it, and whatever else is printed (``Descriptor``) takes it away first.
package final class StatusLine: Sendable {
    private let isForPerson = Descriptor.standardError.isTerminal
    /// When it was shown first since it ended.
    private let start = Mutex<ContinuousClock.Instant?>(nil)
    /// What the terminal shows now.
    private static let shown = Mutex<Shown?>(nil)

    private struct Shown {
        let owner: ObjectIdentifier
        let text: String
    }

    package init() {}

    /// Shows a line in place of the one before, once a second has passed since this was called first.
    ///
    /// - Parameter text: nil leaves the line as it is.
    package func show(_ text: @autoclosure () -> String?) {
        guard isForPerson else { return }
        let now = ContinuousClock.now
        let start = start.withLock { start in
            if start == nil { start = now }
            return start ?? now
        }
        guard now - start > .seconds(1) else { return }
        Self.shown.withLock { shown in
            guard let text = text()?.escapingControlCharacters, text != shown?.text else { return }
            // A line that is too long is cut at the terminal's edge: only one line can be written over.
            Self.write("\u{1B}[?7l\r\u{1B}[K\(text)\u{1B}[?7h")
            shown = Shown(owner: ObjectIdentifier(self), text: text)
        }
    }

    /// Takes the line away. What is shown next has a second again before it appears.
    package func end() {
        start.withLock { $0 = nil }
        Self.erase { $0 == ObjectIdentifier(self) }
    }

    /// Whether the terminal shows such a line.
    static var isShown: Bool { shown.withLock { $0 != nil } }

    /// Erases the line from the terminal.
    package static func erase() { erase { _ in true } }

    private static func erase(where isMeant: (ObjectIdentifier) -> Bool) {
        shown.withLock { shown in
            guard let owner = shown?.owner, isMeant(owner) else { return }
            write("\r\u{1B}[K")
            shown = nil
        }
    }

    private static func write(_ text: String) { _ = try? Descriptor.standardError.writeUnder(Array(text.utf8).span) }
}
