/// A line on standard error that is written over as things go on, for a person at a terminal; nothing elsewhere.
///
/// It appears only after a second: what is quicker needs none. Whatever else is printed must come between ``clear()``
/// and the next ``show(_:)``.
package final class StatusLine {
    private let isShown = Descriptor.standardError.isTerminal
    private let start = ContinuousClock.now
    private var text = ""

    package init() {}

    /// Shows a line in place of the one before.
    package func show(_ text: String) {
        guard isShown, text != self.text, ContinuousClock.now - start > .seconds(1) else { return }
        write("\r\u{1B}[K" + text)
        self.text = text
    }

    /// Takes the line away.
    package func clear() {
        guard !text.isEmpty else { return }
        write("\r\u{1B}[K")
        text = ""
    }

    private func write(_ text: String) { _ = try? Descriptor.standardError.write(Array(text.utf8)) }
}
