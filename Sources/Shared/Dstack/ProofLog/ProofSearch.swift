package import Dstack

/// Which of a log's proofs are wanted, and what was refused on the way.
package struct ProofSearch {
    /// Which proofs are wanted.
    package enum Wanted: Sendable {
        /// Every valid one, in their order.
        case all
        /// The first valid one: the search ends with it.
        case first
        /// The last valid one: known when the log has ended.
        case last
    }

    /// Which proofs are wanted.
    package let wanted: Wanted
    /// How many proofs were given out.
    package private(set) var foundCount = 0
    /// The refused candidate that came furthest, of several the last, for the message when nothing was found.
    package private(set) var refused: Refused?
    /// How many candidates were refused.
    package private(set) var refusedCount = 0

    private var scanner: ProofScanner
    private var lastProof: Proof?

    package init(_ wanted: Wanted) {
        self.wanted = wanted
        scanner = ProofScanner(wanted)
    }

    /// Whether nothing more can come of reading on.
    package var isSatisfied: Bool { wanted == .first && foundCount > 0 }

    /// Takes the next bytes.
    ///
    /// - Returns: the proofs that are wanted and became certain.
    package mutating func feed(_ bytes: Span<UInt8>) -> [Proof] {
        var findings: [Finding] = []
        scanner.feed(bytes) { findings.append($0) }
        return wantedProofs(of: findings)
    }

    /// Says that the next bytes come from another file, which continues the log.
    package mutating func nextSource() { scanner.nextSource() }

    /// Says that the next bytes come from another log: the file was begun anew.
    ///
    /// - Returns: as ``feed(_:)``.
    package mutating func nextLog() -> [Proof] {
        var findings: [Finding] = []
        scanner.finish { findings.append($0) }
        scanner.nextSource()
        return wantedProofs(of: findings)
    }

    /// Says that there is no more.
    ///
    /// - Returns: as ``feed(_:)``; the last proof, if that is what is wanted.
    package mutating func finish() -> [Proof] {
        let proofs = nextLog()
        guard wanted == .last, let lastProof else { return proofs }
        self.lastProof = nil
        foundCount = 1
        return [lastProof]
    }

    private mutating func wantedProofs(of findings: [Finding]) -> [Proof] {
        var proofs: [Proof] = []
        for finding in findings where !isSatisfied {
            switch finding {
            case .refused(let refusal, let place): note(Refused(place, refusal))
            case .proof(let proof, _) where wanted == .last: lastProof = proof
            case .proof(let proof, _):
                foundCount += 1
                proofs.append(proof)
            }
        }
        scanner.countsLines = foundCount == 0 && lastProof == nil
        return proofs
    }

    private mutating func note(_ next: Refused) {
        refusedCount += 1
        if let refused, refused.refusal.progress > next.refusal.progress { return }
        refused = next
    }
}
