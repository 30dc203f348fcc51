import Processes

/// Finds the proofs in a stream of bytes: a serial console's log, with all that gets between its lines.
///
/// Behind each `PROOF_JSON=`, wherever in a line it stands, an object is looked for, as it is and with what does not
/// belong to it left out (see ``LogDamage``), and taken if it is a valid `Proof`. Another marker begins anew. What is
/// found does not depend on the pieces that the bytes come in, and the memory not on their number.
///
/// The marker itself must be intact.
package struct ProofScanner {
    /// The marker before a proof.
    package static var markerText: String { Marker.text }

    /// Which proofs are wanted: what cannot be one of them is not reported where it is spared the work.
    private let selection: ProofSearch.Selection
    /// Whether lines are counted. Once a proof is known, the location of a rejected one is not reported.
    var countsLines = true
    private var markers = MarkerSearch()
    private var validator = ProofValidator()
    /// What may become longer with the next bytes.
    private var candidate: Candidate?
    /// The location of the next byte.
    private var place = SourceLocation(line: 1, offset: 0)

    /// A scanner that has seen nothing yet.
    package init(_ selection: ProofSearch.Selection = .all) { self.selection = selection }

    /// Takes the next bytes and reports what becomes certain with them, in the order of the markers.
    package mutating func feed(_ bytes: Span<UInt8>, report: (ScanResult) -> Void) {
        var whole: [WholeCandidate] = []
        var position = 0
        for marker in markers.matches(in: bytes) {
            let end = marker.range.upperBound
            // The first bytes of a marker may be the candidate's in front of it: only the last tells that it is one.
            let text = bytes.extracting(position..<max(position, end - 1))
            if let candidate, candidate.isUntouched {
                whole.append(WholeCandidate(candidate, text))
                self.candidate = nil
            }
            take(text, report: report)
            endCandidate(report: report)
            place.offset += end - position
            position = end
            let offset = max(0, place.offset - marker.range.count)
            candidate = Candidate(
                at: SourceLocation(source: place.source, line: place.line, offset: offset), behind: marker)
        }
        judge(whole).forEach(report)
        let rest = bytes.extracting(position...)
        take(rest, report: report)
        place.offset += rest.count
    }

    /// Says that the next bytes come from another file, which continues the log: its lines count from 1 again.
    package mutating func nextSource() { place = SourceLocation(source: place.source + 1, line: 1, offset: 0) }

    /// Ends the log; bytes that follow begin another one.
    package mutating func finish(report: (ScanResult) -> Void) {
        endCandidate(report: report)
        markers = MarkerSearch()
    }

    private mutating func take(_ bytes: Span<UInt8>, report: (ScanResult) -> Void) {
        if let finding = candidate?.take(bytes, &validator) {
            candidate = nil
            report(finding)
        }
        if countsLines { place.line += LineEnds.count(in: bytes) }
    }

    private mutating func endCandidate(report: (ScanResult) -> Void) {
        if let finding = candidate?.end(&validator) { report(finding) }
        candidate = nil
    }

    /// Validates successive candidates, as many as matter.
    private mutating func judge(_ candidates: [WholeCandidate]) -> [ScanResult] {
        switch selection {
        case .all:
            let validator = validator
            let judged = candidates.mapInParallel { $0.finding(by: validator) }
            self.validator = judged.last?.validator ?? validator
            return judged.map(\.finding)
        case .first: return judgeUntilProof(candidates)
        case .last: return judgeUntilProof(candidates.reversed()).reversed()
        }
    }

    private mutating func judgeUntilProof(_ candidates: [WholeCandidate]) -> [ScanResult] {
        var findings: [ScanResult] = []
        for candidate in candidates {
            let finding: ScanResult
            (finding, validator) = candidate.finding(by: validator)
            findings.append(finding)
            if case .proof = finding { break }
        }
        return findings
    }
}

/// What follows a marker, up to the next one.
private struct WholeCandidate: Sendable {
    let candidate: Candidate
    let text: [UInt8]

    init(_ candidate: Candidate, _ bytes: Span<UInt8>) {
        self.candidate = candidate
        var text: [UInt8] = []
        text.append(bytes.extracting(first: min(bytes.count, Candidate.encodedByteLimit)))
        self.text = text
    }

    /// What it is, and the validator with what it remembers then.
    func finding(by validator: ProofValidator) -> (finding: ScanResult, validator: ProofValidator) {
        var validator = validator
        return (candidate.finding(in: text.span, &validator), validator)
    }
}
