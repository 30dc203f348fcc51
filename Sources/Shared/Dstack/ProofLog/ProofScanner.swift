import Glibc
import Processes

/// Finds the proofs in a stream of bytes: a serial console's log, with all that gets between its lines.
///
/// Behind each `PROOF_JSON=`, wherever in a line it stands, an object is looked for, as it is and with what does not
/// belong to it left out (see ``LogDamage``), and taken if it is a valid ``Proof``. Another marker begins anew. What is
/// found does not depend on the pieces that the bytes come in, and the memory not on their number.
///
/// The marker itself must be intact.
package struct ProofScanner {
    /// The marker before a proof.
    package static var markerText: String { Marker.text.description }

    /// Which proofs are wanted: what cannot be one of them is not reported where it is spared the work.
    private let selection: ProofSearch.Selection
    /// Whether lines are counted. Once a proof is known, the location of a rejected one is not reported.
    var countsLines = true
    private var marker = Marker()
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
        validator(whole).forEach(report)
        let rest = bytes.extracting(position...)
        take(rest, report: report)
        place.offset += rest.count
    }

    /// Says that the next bytes come from another file, which continues the log: its lines count from 1 again.
    package mutating func nextSource() { place = SourceLocation(source: place.source + 1, line: 1, offset: 0) }

    /// Ends the log; bytes that follow begin another one.
    package mutating func finish(report: (ScanResult) -> Void) {
        endCandidate(report: report)
        marker = Marker()
    }

    private mutating func take(_ bytes: Span<UInt8>, report: (ScanResult) -> Void) {
        if let finding = candidate?.take(bytes, &validator) {
            candidate = nil
            report(finding)
        }
        if countsLines { place.line += LineEnds.count(in: bytes) }
    }

    private mutating func beginCandidate() {
        let offset = max(0, place.offset - Marker.text.utf8CodeUnitCount)
        candidate = Candidate(at: SourceLocation(source: place.source, line: place.line, offset: offset))
    }

    private mutating func endCandidate(report: (ScanResult) -> Void) {
        if let finding = candidate?.end(.cutOff, &validator) { report(finding) }
        candidate = nil
    }

    /// Validates successive candidates, as many as matter.
    private mutating func validator(_ candidates: [WholeCandidate]) -> [ScanResult] {
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
    let place: SourceLocation
    let text: [UInt8]

    init(at place: SourceLocation, _ bytes: Span<UInt8>) {
        self.place = place
        var text: [UInt8] = []
        text.append(bytes.extracting(first: min(bytes.count, Candidate.byteLimit)))
        self.text = text
    }

    /// What it is, and the judge with what it remembers then.
    func finding(by validator: ProofValidator) -> (finding: ScanResult, validator: ProofValidator) {
        var validator = validator
        return (Candidate.finding(in: text.span, at: place, &validator), validator)
    }
}

/// Finds the marker in a stream of bytes, whatever pieces it comes in.
struct Marker {
    /// The marker before a proof.
    static let text: StaticString = "PROOF_JSON="

    /// How many bytes of a marker may follow the piece that it begins in.
    static let overlap = text.utf8CodeUnitCount - 1

    /// How many bytes of the marker the stream so far ends with.
    private(set) var matched = 0

    /// Takes one byte; true if the marker ends with it.
    mutating func take(_ byte: UInt8) -> Bool {
        let marker = Self.text
        // The marker's first letter occurs only once in it, so after a mismatch only this byte can begin a new one.
        if unsafe marker.utf8Start[matched] == byte {
            matched += 1
        } else {
            matched = unsafe marker.utf8Start[0] == byte ? 1 : 0
        }
        guard matched == marker.utf8CodeUnitCount else { return false }
        matched = 0
        return true
    }

    /// The marker's rarest letter in logs, and its position in the marker.
    private static let rare = (letter: Int32(UInt8(ascii: "J")), offset: 6)

    /// Goes through bytes at the speed of memory.
    ///
    /// - Returns: the number of bytes up to the end of the first marker; nil if there is none.
    mutating func skip(_ bytes: Span<UInt8>) -> Int? {
        var begun = 0
        while matched > 0, begun < bytes.count {
            let isMarker = take(bytes[begun])
            begun += 1
            if isMarker { return begun }
        }
        let rest = bytes.extracting(begun...)
        let count = Self.text.utf8CodeUnitCount
        if let start = Self.start(in: rest) { return begun + start + count }
        for index in max(0, rest.count - count + 1)..<rest.count { _ = take(rest[index]) }
        return nil
    }

    /// The position of the first marker.
    static func start(in bytes: Span<UInt8>) -> Int? { unsafe bytes.withUnsafeBytes { unsafe start(in: $0) } }

    private static func start(in buffer: UnsafeRawBufferPointer) -> Int? {
        guard let base = buffer.baseAddress else { return nil }
        var start = 0
        // memchr is several times as fast as a search for all of the marker, and memmem is GNU's alone.
        while buffer.count - start >= text.utf8CodeUnitCount {
            let from = unsafe base + start + rare.offset
            let length = buffer.count - start - text.utf8CodeUnitCount + 1
            guard let found = unsafe memchr(from, rare.letter, length) else { return nil }
            start += unsafe UnsafeRawPointer(found) - from
            if unsafe memcmp(base + start, text.utf8Start, text.utf8CodeUnitCount) == 0 { return start }
            // The letter occurs once in the marker, so no marker begins before it or with it.
            start += rare.offset + 1
        }
        return nil
    }
}

/// Counts line ends at the speed of memory.
enum LineEnds {
    /// How many line ends there are.
    static func count(in bytes: Span<UInt8>) -> Int {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            var total = 0
            var position = 0
            while position < buffer.count {
                // So few that a byte can count them: the compiler then compares and adds whole vectors.
                let end = min(position + 255, buffer.count)
                var count: UInt8 = 0
                while position < end {
                    count &+= unsafe buffer[position] == UInt8(ascii: "\n") ? 1 : 0
                    position &+= 1
                }
                total += Int(count)
            }
            return total
        }
    }
}
