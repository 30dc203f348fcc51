package import Console
package import Dstack
package import Failures

/// Searches files, one after another as one log, and delivers the selected proofs.
package struct LogSearch {
    /// The files in their order; nil is standard input.
    package let paths: [String?]
    /// Which proofs are wanted.
    package let selection: ProofSearch.Selection
    /// Whether the last file is read on as it grows.
    package let isFollowing: Bool
    /// How long to follow it; nil is for ever.
    package let timeout: Duration?

    package init(
        paths: [String?], selection: ProofSearch.Selection, isFollowing: Bool = false, timeout: Duration? = nil
    ) {
        self.paths = paths
        self.selection = selection
        self.isFollowing = isFollowing
        self.timeout = timeout
    }

    /// Reads the files and delivers proofs as soon as they are certain, in batches.
    ///
    /// - Parameter progress: told again and again how many bytes were read so far.
    /// - Throws: ``ProofLogError``, and what `body` throws.
    package func run(progress: (Int) -> Void = { _ in }, _ body: ([Proof]) throws -> Void) throws {
        if selection == .last, !isFollowing, let log = SeekableLog(paths: paths) {
            switch BackwardSearch(log).run(progress: progress) {
            case .proof(let proof):
                log.moveToEnd()
                return try body([proof])
            // What was read and what was wrong with it is seen from the front.
            case .noMarker, .unknown: break
            }
        }
        try readForward(progress: progress) { proofs in if !proofs.isEmpty { try body(proofs) } }
    }

    /// The last proof in a log that is in memory.
    ///
    /// - Throws: ``ProofLogError`` if there is none.
    package static func lastProof(in bytes: Span<UInt8>) throws(ProofLogError) -> Proof {
        var search = ProofSearch(.last)
        var summary = LogSummary()
        // Candidates take memory until the bytes behind them were seen.
        for start in stride(from: 0, to: bytes.count, by: LogReader.blockByteCount) {
            let piece = bytes.extracting(start..<min(start + LogReader.blockByteCount, bytes.count))
            if start == 0, let compression = LogCompression(leading: piece) {
                throw .compressed(compression, path: nil)
            }
            summary.take(piece, countsLines: true)
            _ = search.feed(piece)
        }
        if let proof = search.finish().last { return proof }
        guard let refused = search.refused else { throw .noMarker(summary) }
        throw .noValidProof(refused, path: nil, count: search.refusedCount)
    }

    private func readForward(progress: (Int) -> Void, _ body: ([Proof]) throws -> Void) throws {
        let deadline = timeout.map { ContinuousClock.now + $0 }
        var search = ProofSearch(selection)
        var isTimedOut = false
        var summary = LogSummary()
        for (index, path) in paths.enumerated() where !search.isSatisfied {
            if index > 0 { search.nextSource() }
            let isFollowed = isFollowing && index == paths.count - 1
            var reader = try LogReader(path: path, follow: isFollowed ? .init(until: deadline) : nil)
            var step = LogReader.Step.bytes
            // The first bytes, until there are enough to tell whether the log is compressed; nil from then on.
            var head: [UInt8]? = []
            var gzip: GzipStream?
            var proofs: [Proof] = []
            let take = { (bytes: Span<UInt8>) in
                summary.take(bytes, countsLines: !search.hasProof)
                proofs += search.feed(bytes)
            }
            while step != .ended, step != .timedOut, !search.isSatisfied {
                step = try reader.next()
                switch step {
                case .bytes:
                    var first: [UInt8]?
                    if var begun = head {
                        reader.withBytes { begun.append($0) }
                        head = begun
                        guard begun.count >= LogCompression.leadingByteCount else { break }
                        (first, head) = (begun, nil)
                        if let compression = LogCompression(leading: begun.span) {
                            gzip = compression == .gzip ? GzipStream() : nil
                            if gzip == nil { throw ProofLogError.compressed(compression, path: path) }
                        }
                    }
                    let isIntact = { (bytes: Span<UInt8>) in
                        if let gzip { return gzip.take(bytes, take) }
                        take(bytes)
                        return true
                    }
                    let isTaken = if let first { isIntact(first.span) } else { reader.withBytes(isIntact) }
                    if !isTaken { throw ProofLogError.damagedGzip(path: path) }
                case .nothingYet: break
                case .begunAnew:
                    (head, gzip) = ([], nil)
                    proofs += search.nextLog()
                case .timedOut: isTimedOut = true
                case .ended: break
                }
                try body(proofs)
                proofs = []
                progress(summary.byteCount)
            }
            if let head {
                if head.isEmpty, paths == [nil], step == .ended { throw ProofLogError.unreadable(.nothingCameIn) }
                if let compression = LogCompression(leading: head.span) {
                    throw ProofLogError.compressed(compression, path: path)
                }
                take(head.span)
            }
            try body(proofs)
        }
        try body(search.finish())
        if search.foundCount == 0 { throw failure(of: search, summary, isTimedOut: isTimedOut) }
    }

    private func failure(of search: ProofSearch, _ summary: LogSummary, isTimedOut: Bool) -> ProofLogError {
        if isTimedOut, let timeout { return .timedOut(after: timeout, refused: search.refused, summary) }
        guard let refused = search.refused else { return .noMarker(summary) }
        let path = paths.count > 1 ? paths[min(refused.location.source, paths.count - 1)] : nil
        return .noValidProof(refused, path: path, count: search.refusedCount)
    }
}

/// Which of a log's proofs are selected, and what was rejected on the way.
package struct ProofSearch {
    /// Which proofs are wanted.
    package enum Selection: Sendable {
        /// Every valid one, in their order.
        case all
        /// The first valid one: the search ends with it.
        case first
        /// The last valid one: known when the log has ended.
        case last
    }

    /// Which proofs are wanted.
    package let selection: Selection
    /// How many proofs were given out.
    package private(set) var foundCount = 0
    /// The refused candidate that came furthest, of several the last, for the message when nothing was found.
    package private(set) var refused: Rejection?
    /// How many candidates were refused.
    package private(set) var refusedCount = 0

    private var scanner: ProofScanner
    private var lastProof: Proof?

    package init(_ selection: Selection) {
        self.selection = selection
        scanner = ProofScanner(selection)
    }

    /// Whether a proof was seen.
    var hasProof: Bool { foundCount > 0 || lastProof != nil }

    /// Whether nothing more can come of reading on.
    package var isSatisfied: Bool { selection == .first && foundCount > 0 }

    /// Takes the next bytes.
    ///
    /// - Returns: the proofs that are wanted and became certain.
    package mutating func feed(_ bytes: Span<UInt8>) -> [Proof] {
        var findings: [ScanResult] = []
        scanner.feed(bytes) { findings.append($0) }
        return wantedProofs(of: findings)
    }

    /// Says that the next bytes come from another file, which continues the log.
    package mutating func nextSource() { scanner.nextSource() }

    /// Begins another log: the file was replaced or truncated.
    ///
    /// - Returns: as ``feed(_:)``.
    package mutating func nextLog() -> [Proof] {
        var findings: [ScanResult] = []
        scanner.finish { findings.append($0) }
        scanner.nextSource()
        return wantedProofs(of: findings)
    }

    /// Says that there is no more.
    ///
    /// - Returns: as ``feed(_:)``; the last proof, if that one is selected.
    package mutating func finish() -> [Proof] {
        let proofs = nextLog()
        guard selection == .last, let lastProof else { return proofs }
        self.lastProof = nil
        foundCount = 1
        return [lastProof]
    }

    private mutating func wantedProofs(of findings: [ScanResult]) -> [Proof] {
        var proofs: [Proof] = []
        for finding in findings where !isSatisfied {
            switch finding {
            case .refused(let refusal, let place): note(Rejection(place, refusal))
            case .proof(let proof, _) where selection == .last: lastProof = proof
            case .proof(let proof, _):
                foundCount += 1
                proofs.append(proof)
            }
        }
        scanner.countsLines = !hasProof
        return proofs
    }

    private mutating func note(_ next: Rejection) {
        refusedCount += 1
        if let refused, refused.cause.progress > next.cause.progress { return }
        refused = next
    }
}

/// Why no proof came out of a log.
package enum ProofLogError: UserFacingError, Equatable {
    /// The log could not be opened or read.
    case unreadable(ConsoleError)
    /// The log is compressed; `path` is nil for standard input.
    case compressed(LogCompression, path: String?)
    /// The log is compressed with gzip, and damaged; `path` is nil for standard input.
    case damagedGzip(path: String?)
    /// Nothing in the log looks like a proof.
    case noMarker(LogSummary)
    /// Something looked like a proof and was none; `count` candidates were refused, and this one came furthest.
    /// `path` is the file, where there are several.
    case noValidProof(Rejection, path: String?, count: Int)
    /// The time was over before a valid proof came; `refused` as in ``noValidProof(_:path:count:)``.
    case timedOut(after: Duration, refused: Rejection?, LogSummary)

    package var kind: ErrorCategory {
        switch self {
        case .unreadable, .compressed, .damagedGzip: .badInput
        case .noMarker, .noValidProof: .negativeResult
        case .timedOut: .serviceFailed
        }
    }

    package var description: String {
        switch self {
        case .unreadable(let error): error.description
        case .compressed(let compression, let path):
            "\((path ?? "standard input").quotedPath) is compressed with \(compression.rawValue)"
        case .damagedGzip(let path): "the gzip in \((path ?? "standard input").quotedPath) is damaged"
        case .noMarker(let summary): "no \(ProofScanner.markerText) line in \(summary)"
        case .noValidProof(let refused, let path, let count):
            "a \(ProofScanner.markerText) line was seen at line \(refused.location.line)"
                + (path.map { " of \($0.quotedPath)" } ?? "") + " but no proof was valid: \(refused.reason)"
                + (count > 1 ? " (\(count) such lines in all)" : "")
        case .timedOut(let duration, let refused, let summary):
            "no valid proof came within \(duration) in \(summary)"
                + (refused.map { "; at line \($0.location.line) one was rejected: \($0.reason)" } ?? "")
        }
    }

    package var hints: [String] {
        switch self {
        case .damagedGzip: ["was the file copied whole?"]
        case .compressed(let compression, _): ["read it through \(compression.command)"]
        case .noMarker, .timedOut(_, refused: nil, _):
            [
                "a container's output reaches the serial console only if it is sent there: "
                    + "| tee /dev/ttyS0 (with devices: [/dev/ttyS0])"
            ]
        case .noValidProof(let refused, _, _), .timedOut(_, .some(let refused), _):
            switch refused.cause {
            case .invalid(let error): error.hints
            case .cutOff, .tooLong, .notJSON: ["get the proof from the CVM itself, by its URL"]
            }
        case .unreadable(let error): error.hints
        }
    }
}
