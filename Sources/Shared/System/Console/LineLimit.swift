/// How many lines of one kind are said at a stretch: the first ten; of the others it is said how many there were.
/// Strangers decide how often there is something to say.
package struct LineLimit: Sendable {
    private static let limit = 10
    private var count = 0

    package init() {}

    /// Whether one more line is said.
    package mutating func admitsLine() -> Bool {
        count += 1
        return count <= Self.limit
    }

    /// How many lines were not said; nil for none.
    package var leftOut: Int? { count > Self.limit ? count - Self.limit : nil }
}
