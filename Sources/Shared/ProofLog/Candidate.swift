import Dstack

/// What stands behind one marker, while it is being read in all the ways that ``Repair`` knows.
///
/// Its memory is bounded: ``byteLimit`` bytes for the line, and as much again for each reading.
struct Candidate {
    /// How many bytes behind the marker are looked at. A proof has about 1200.
    static let byteLimit = 16 * 1024
    /// How many lines behind the marker are looked at.
    static let lineLimit = 128

    /// What the candidate turned out to be.
    enum Verdict {
        case proof(Proof), refused(Refusal)
    }

    /// Where the marker stands.
    let place: Place

    private var readings = Repair.allCases.map(Reading.init)
    private var filter = TerminalFilter()
    private var line: [UInt8] = []
    private var byteCount = 0
    private var lineCount = 0
    private var isAfterHeartbeat = false

    /// What the VMM's log stream says when nothing else does, in the middle of a line if need be (dstack:
    /// vmm/src/main_routes.rs); a line end follows.
    private static let heartbeat = Array("[vmm heartbeat]".utf8)

    init(at place: Place) { self.place = place }

    /// Takes the next byte behind the marker; the verdict, once there is one.
    mutating func take(_ byte: UInt8, _ judge: inout Judge) -> Verdict? {
        byteCount += 1
        switch filter.take(byte) {
        case .nothing: break
        case .text(let byte):
            isAfterHeartbeat = false
            line.append(byte)
            readings[0].take(byte)
            if byte == UInt8(ascii: "]"), line.hasSuffix(Self.heartbeat) { takeBackHeartbeat() }
            if readings[0].state == .ended, let proof = judgeReading(0, &judge) { return .proof(proof) }
        case .lineEnd:
            // The line that the heartbeat came into goes on.
            if isAfterHeartbeat {
                isAfterHeartbeat = false
            } else if let verdict = endLine(&judge) {
                return verdict
            }
        }
        if byteCount == Self.byteLimit { return end(.tooLong(limit: Self.byteLimit), &judge) }
        if lineCount == Self.lineLimit { return end(.cutOff, &judge) }
        return nil
    }

    /// Says that nothing more comes for the candidate.
    ///
    /// - Parameter reason: why not: what the verdict is for an object that is still open.
    mutating func end(_ reason: Refusal, _ judge: inout Judge) -> Verdict {
        if let verdict = endLine(&judge) { return verdict }
        for index in readings.indices where readings[index].state == .open { readings[index].refuse(reason) }
        return .refused(refusal)
    }

    private mutating func takeBackHeartbeat() {
        line.removeLast(Self.heartbeat.count)
        readings[0].takeBack(Self.heartbeat)
        isAfterHeartbeat = true
    }

    /// Gives the line to the readings that judge by lines.
    private mutating func endLine(_ judge: inout Judge) -> Verdict? {
        for index in readings.indices.dropFirst() {
            for byte in readings[index].repair.kept(of: line[...], isFirst: lineCount == 0) {
                readings[index].take(byte)
            }
            if readings[index].state == .ended, let proof = judgeReading(index, &judge) { return .proof(proof) }
        }
        line.removeAll(keepingCapacity: true)
        lineCount += 1
        return readings.contains { $0.state == .open } ? nil : .refused(refusal)
    }

    private mutating func judgeReading(_ index: Int, _ judge: inout Judge) -> Proof? {
        let text = readings[index].text
        // Most readings of most candidates are alike: each text is judged once.
        for other in readings[..<index] where other.text == text {
            guard case .refused(let refusal) = other.state else { continue }
            readings[index].refuse(refusal)
            return nil
        }
        switch judge.judge(text, line: place.line) {
        case .success(let proof): return proof
        case .failure(let refusal):
            readings[index].refuse(refusal)
            return nil
        }
    }

    /// The refusal of the reading that came furthest; of several, the first.
    private var refusal: Refusal {
        let refusals = readings.compactMap { if case .refused(let refusal) = $0.state { refusal } else { nil } }
        return refusals.dropFirst().reduce(refusals.first ?? .cutOff) { $0.progress < $1.progress ? $1 : $0 }
    }
}
