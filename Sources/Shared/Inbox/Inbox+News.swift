package import BridgeClient

extension Inbox {
    /// Opens the messages that a state does not know to be done with, in their order.
    ///
    /// The chain may have been reorganised since: then the newest message that still stands is looked for, and those
    /// behind it are opened again as far as they are others than before. A node that is merely behind looks the same
    /// and does no harm, since what it shows is known.
    /// - Parameters:
    ///   - again: whether the messages that wait are tried as well.
    ///   - noticed: told of a message that stands where another was done with (`BridgeClientError.replaced`), before it
    ///     is opened, and of an inbox that has become shorter.
    /// - Throws: as ``forEachMessage(from:after:where:opened:refused:done:)``, whose other parameters these are.
    package func forEachNews(
        behind state: InboxState, again: Bool, noticed: (BridgeClientError) -> Void,
        opened: (borrowing InboxMessage) throws -> Void,
        refused: (_ index: UInt64, _ reason: InboxError) throws -> Void,
        done: (_ index: UInt64, MessageMark?) throws -> Void
    ) throws {
        var first = again ? state.first : state.next
        var marks = state.marks.filter { $0.index < first }
        let oldest = marks.first?.index
        while true {
            let mark = marks.popLast()
            do {
                return try forEachMessage(
                    from: first, after: mark,
                    where: { index, found in
                        if index >= state.next || state.waiting.contains(index) { return true }
                        guard let found, let known = state.marks.first(where: { $0.index == index }), known != found
                        else { return false }
                        noticed(.replaced(index: index))
                        return true
                    }, opened: opened, refused: refused, done: done)
            } catch let error as BridgeClientError where mark != nil && error.isReorganisation {
                if case .shorter = error, first == (again ? state.first : state.next) { noticed(error) }
                first = marks.last.map { $0.index + 1 } ?? oldest ?? 0
            }
        }
    }
}

extension BridgeClientError {
    /// Whether what was read before is no longer there.
    fileprivate var isReorganisation: Bool {
        switch self {
        case .replaced, .shorter: true
        default: false
        }
    }
}
