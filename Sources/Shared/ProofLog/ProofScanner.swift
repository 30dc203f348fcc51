import Dstack

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

    private var marker = Marker()
    private var judge = Judge()
    private var candidate: Candidate?
    /// Where the next byte stands.
    private var place = Place(line: 1, offset: 0)

    package init() {}

    /// Takes the next bytes and reports what becomes certain with them, in the order of the markers.
    package mutating func feed(_ bytes: Span<UInt8>, report: (Finding) -> Void) {
        var position = 0
        while position < bytes.count {
            guard candidate == nil, marker.matched == 0 else {
                take(bytes[position], report: report)
                position += 1
                continue
            }
            let rest = bytes.extracting(position...)
            let end = marker.skip(rest)
            let skipped = rest.extracting(0..<(end ?? rest.count))
            place.line += LineEnds.count(in: skipped)
            place.offset += skipped.count
            position += skipped.count
            if end != nil { beginCandidate() }
        }
    }

    /// Says that the next bytes come from another file, which continues the log: its lines count from 1 again.
    package mutating func nextSource() { place = Place(source: place.source + 1, line: 1, offset: 0) }

    /// Says that the log has ended; what is fed from now on begins another one.
    package mutating func finish(report: (Finding) -> Void) {
        endCandidate(report: report)
        marker = Marker()
    }

    private mutating func take(_ byte: UInt8, report: (Finding) -> Void) {
        place.offset += 1
        let isMarker = marker.take(byte)
        if isMarker {
            endCandidate(report: report)
        } else if let verdict = candidate?.take(byte, &judge) {
            settle(verdict, report: report)
        }
        if byte == UInt8(ascii: "\n") { place.line += 1 }
        if isMarker { beginCandidate() }
    }

    private mutating func beginCandidate() {
        let offset = max(0, place.offset - Marker.text.utf8CodeUnitCount)
        candidate = Candidate(at: Place(source: place.source, line: place.line, offset: offset))
    }

    private mutating func endCandidate(report: (Finding) -> Void) {
        if let verdict = candidate?.end(.cutOff, &judge) { settle(verdict, report: report) }
    }

    private mutating func settle(_ verdict: Candidate.Verdict, report: (Finding) -> Void) {
        guard let place = candidate?.place else { return }
        candidate = nil
        switch verdict {
        case .proof(let proof): report(.proof(proof, place))
        case .refused(let refusal): report(.refused(refusal, place))
        }
    }
}
