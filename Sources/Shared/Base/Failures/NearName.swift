extension String {
    /// The names that this one is most likely a slip of the pen for: those with the fewest changes, if they are few.
    package func nearest(in names: [String]) -> [String] {
        // Two letters that changed places are two changes.
        let limit = utf8.count < 4 ? 1 : max(2, utf8.count / 3)
        let distances = names.map { ($0, distance(to: $0, limit: limit)) }
        guard let least = distances.map(\.1).min(), least <= limit else { return [] }
        return distances.filter { $0.1 == least }.map(\.0).uniqued
    }

    /// The hint that one of these names may be meant instead; none for no names.
    package static func asking(for names: [String]) -> [String] {
        names.isEmpty ? [] : ["did you mean \(names.map { $0.quoted() }.joined(separator: " or "))?"]
    }

    /// How many characters must be inserted, removed or replaced to make the other name of this one, capitals or not
    /// (Levenshtein's distance); a number beyond the limit for names too long to be worth the time.
    private func distance(to other: String, limit: Int) -> Int {
        let own = Array(lowercased().utf8)
        let others = Array(other.lowercased().utf8)
        guard max(own.count, others.count) <= Self.lengthLimit, abs(own.count - others.count) <= limit else {
            return limit + 1
        }
        var row = Array(0...others.count)
        for (index, byte) in own.enumerated() {
            var next = [index + 1]
            for (column, pair) in zip(others, zip(row, row.dropFirst())).enumerated() {
                let (diagonal, above) = pair.1
                next.append(Swift.min(diagonal + (pair.0 == byte ? 0 : 1), above + 1, next[column] + 1))
            }
            row = next
        }
        return row[others.count]
    }

    /// Longer names are not typing mistakes.
    private static var lengthLimit: Int { 100 }
}

extension [String] {
    /// Each of the texts once, in their order.
    fileprivate var uniqued: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
