import Failures
import Synchronization

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
