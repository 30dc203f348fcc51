package import Dstack

/// Searches files, one after another as one log, and hands over the proofs that are wanted.
package struct LogSearch {
    /// The files in their order; nil is standard input.
    package let paths: [String?]
    /// Which proofs are wanted.
    package let wanted: ProofSearch.Wanted
    /// Whether the last file is read on as it grows.
    package let isFollowing: Bool
    /// How long to follow it; nil is for ever.
    package let timeout: Duration?

    package init(
        paths: [String?], wanted: ProofSearch.Wanted, isFollowing: Bool = false, timeout: Duration? = nil
    ) {
        self.paths = paths
        self.wanted = wanted
        self.isFollowing = isFollowing
        self.timeout = timeout
    }

    /// Reads the files and hands over proofs as soon as they are certain: as many at a time as became so together.
    ///
    /// - Parameter progress: told again and again how many bytes were read so far.
    /// - Throws: ``ProofLogError``, and what `body` throws.
    package func run(progress: (Int) -> Void = { _ in }, _ body: ([Proof]) throws -> Void) throws {
        if wanted == .last, !isFollowing, let log = SeekableLog(paths: paths) {
            switch BackwardSearch(log).run(progress: progress) {
            case .proof(let proof):
                log.moveToEnd()
                return try body([proof])
            case .noMarker:
                log.moveToEnd()
                throw ProofLogError.noMarker
            case .unknown: break
            }
        }
        try readForward(progress: progress) { proofs in if !proofs.isEmpty { try body(proofs) } }
    }

    private func readForward(progress: (Int) -> Void, _ body: ([Proof]) throws -> Void) throws {
        let deadline = timeout.map { ContinuousClock.now + $0 }
        var search = ProofSearch(wanted)
        var isTimedOut = false
        var byteCount = 0
        for (index, path) in paths.enumerated() where !search.isSatisfied {
            if index > 0 { search.nextSource() }
            let isFollowed = isFollowing && index == paths.count - 1
            var reader = try LogReader(path: path, follow: isFollowed ? .init(until: deadline) : nil)
            var step = LogReader.Step.bytes
            while step != .ended, step != .timedOut, !search.isSatisfied {
                step = try reader.next()
                switch step {
                case .bytes:
                    byteCount += reader.withBytes { $0.count }
                    try body(reader.withBytes { search.feed($0) })
                case .nothingYet: break
                case .begunAnew: try body(search.nextLog())
                case .timedOut: isTimedOut = true
                case .ended: break
                }
                progress(byteCount)
            }
        }
        try body(search.finish())
        if search.foundCount == 0 { throw failure(of: search, isTimedOut: isTimedOut) }
    }

    private func failure(of search: ProofSearch, isTimedOut: Bool) -> ProofLogError {
        if isTimedOut, let timeout { return .timedOut(after: timeout, refused: search.refused) }
        guard let refused = search.refused else { return .noMarker }
        let path = paths.count > 1 ? paths[min(refused.place.source, paths.count - 1)] : nil
        return .noValidProof(refused, path: path, count: search.refusedCount)
    }
}
