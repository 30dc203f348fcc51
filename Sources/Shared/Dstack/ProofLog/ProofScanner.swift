import Processes

/// Finds the proofs in a stream of bytes: a serial console's log, with all that gets between its lines.
///
/// Behind each `PROOF_JSON=`, wherever in a line it stands, an object is looked for, as it is and with what does not
/// belong to it left out (see ``Repair``), and taken if it is a valid ``Proof``. Another marker begins anew. What is
/// found does not depend on the pieces that the bytes come in, and the memory not on their number.
///
/// The marker itself must stand in one piece.
package struct ProofScanner {
    /// What stands in front of a proof.
    package static var markerText: String { Marker.text.description }

    /// Which proofs are wanted: what cannot be one of them is not reported where it is spared the work.
    private let wanted: ProofSearch.Wanted
    /// Whether lines are counted. Once a proof is known, nobody is told where another was refused.
    var countsLines = true
    private var marker = Marker()
    private var judge = Judge()
    /// What may become longer with the next bytes.
    private var candidate: Candidate?
    /// Where the next byte stands.
    private var place = Place(line: 1, offset: 0)

    package init(_ wanted: ProofSearch.Wanted = .all) { self.wanted = wanted }

    /// Takes the next bytes and reports what becomes certain with them, in the order of the markers.
    package mutating func feed(_ bytes: Span<UInt8>, report: (Finding) -> Void) {
        var whole: [WholeCandidate] = []
        var position = 0
        while let end = marker.skip(bytes.extracting(position...)) {
            // The first bytes of a marker may be the candidate's in front of it: only the last tells that it is one.
            let text = bytes.extracting(position..<(position + end - 1))
            if let candidate, candidate.byteCount == 0 {
                whole.append(WholeCandidate(at: candidate.place, text))
                self.candidate = nil
            }
            take(text, report: report)
            endCandidate(report: report)
            place.offset += end
            position += end
            beginCandidate()
        }
        judge(whole).forEach(report)
        let rest = bytes.extracting(position...)
        take(rest, report: report)
        place.offset += rest.count
    }

    /// Says that the next bytes come from another file, which continues the log: its lines count from 1 again.
    package mutating func nextSource() { place = Place(source: place.source + 1, line: 1, offset: 0) }

    /// Says that the log has ended; what is fed from now on begins another one.
    package mutating func finish(report: (Finding) -> Void) {
        endCandidate(report: report)
        marker = Marker()
    }

    private mutating func take(_ bytes: Span<UInt8>, report: (Finding) -> Void) {
        if let finding = candidate?.take(bytes, &judge) {
            candidate = nil
            report(finding)
        }
        if countsLines { place.line += LineEnds.count(in: bytes) }
    }

    private mutating func beginCandidate() {
        let offset = max(0, place.offset - Marker.text.utf8CodeUnitCount)
        candidate = Candidate(at: Place(source: place.source, line: place.line, offset: offset))
    }

    private mutating func endCandidate(report: (Finding) -> Void) {
        if let finding = candidate?.end(.cutOff, &judge) { report(finding) }
        candidate = nil
    }

    /// Judges candidates that stand one behind another, as many of them as matter.
    private mutating func judge(_ candidates: [WholeCandidate]) -> [Finding] {
        switch wanted {
        case .all:
            let judge = judge
            let judged = candidates.mapInParallel { $0.finding(by: judge) }
            self.judge = judged.last?.judge ?? judge
            return judged.map(\.finding)
        case .first: return judgeUntilProof(candidates)
        case .last: return judgeUntilProof(candidates.reversed()).reversed()
        }
    }

    private mutating func judgeUntilProof(_ candidates: [WholeCandidate]) -> [Finding] {
        var findings: [Finding] = []
        for candidate in candidates {
            let finding: Finding
            (finding, judge) = candidate.finding(by: judge)
            findings.append(finding)
            if case .proof = finding { break }
        }
        return findings
    }
}

/// What stands behind a marker up to the next one.
private struct WholeCandidate: Sendable {
    let place: Place
    let text: [UInt8]

    init(at place: Place, _ bytes: Span<UInt8>) {
        self.place = place
        var text: [UInt8] = []
        text.append(bytes.extracting(first: min(bytes.count, Candidate.byteLimit)))
        self.text = text
    }

    /// What it is, and the judge with what it remembers then.
    func finding(by judge: Judge) -> (finding: Finding, judge: Judge) {
        var judge = judge
        return (Candidate.finding(in: text.span, at: place, &judge), judge)
    }
}
