import Dstack

/// What stands behind one marker, while it is being read in all the ways that ``Repair`` knows.
///
/// Its memory is bounded: ``byteLimit`` bytes for the line, and as much again for each reading.
struct Candidate {
    /// How many bytes behind the marker are looked at. A proof has about 1200.
    static let byteLimit = 16 * 1024
    /// How many lines behind the marker are looked at.
    static let lineLimit = 128

    /// Where the marker stands.
    let place: Place

    private var readings = Repair.allCases.map(Reading.init)
    private var filter = TerminalFilter()
    private var line: [UInt8] = []
    private(set) var byteCount = 0
    private var lineCount = 0
    private var isAfterHeartbeat = false

    /// What the VMM's log stream says when nothing else does, in the middle of a line if need be (dstack:
    /// vmm/src/main_routes.rs); a line end follows.
    private static let heartbeat = Array("[vmm heartbeat]".utf8)

    init(at place: Place) { self.place = place }

    /// What is found behind a marker whose candidate is known to end with these bytes.
    static func finding(in bytes: Span<UInt8>, at place: Place, _ judge: inout Judge) -> Finding {
        var candidate = Candidate(at: place)
        return candidate.take(bytes, &judge) ?? candidate.end(.cutOff, &judge)
    }

    /// Takes the next bytes behind the marker; the finding, once there is one: the rest does not matter then.
    mutating func take(_ bytes: Span<UInt8>, _ judge: inout Judge) -> Finding? {
        var position = 0
        while position < bytes.count {
            let rest = bytes.extracting(position...)
            let plainCount = filter.isInText ? Self.plainCount(of: rest) : 0
            if plainCount > 0 {
                position += takeText(rest.extracting(first: min(plainCount, Self.byteLimit - byteCount)))
            } else {
                let byte = bytes[position]
                position += 1
                if let finding = take(byte, &judge) { return finding }
            }
            if readings[0].state == .ended, let proof = judgeReading(0, &judge) { return .proof(proof, place) }
            if byteCount == Self.byteLimit { return end(.tooLong(limit: Self.byteLimit), &judge) }
            if lineCount == Self.lineLimit { return end(.cutOff, &judge) }
        }
        return nil
    }

    /// How many bytes at the beginning are text for ``TerminalFilter``, and cannot end a heartbeat.
    private static func plainCount(of bytes: Span<UInt8>) -> Int {
        var count = 0
        while count < bytes.count {
            let byte = bytes[count]
            guard byte >= 0x20, byte != 0x7F, byte != UInt8(ascii: "]") else { break }
            count += 1
        }
        return count
    }

    /// Takes text, at most up to the end of the object; how many bytes of it.
    private mutating func takeText(_ text: Span<UInt8>) -> Int {
        isAfterHeartbeat = false
        let count = readings[0].take(text)
        line.append(text.extracting(first: count))
        byteCount += count
        return count
    }

    private mutating func take(_ byte: UInt8, _ judge: inout Judge) -> Finding? {
        byteCount += 1
        switch filter.take(byte) {
        case .nothing: break
        case .text(let byte):
            isAfterHeartbeat = false
            line.append(byte)
            _ = readings[0].take(CollectionOfOne(byte).span)
            if byte == UInt8(ascii: "]"), line.hasSuffix(Self.heartbeat) { takeBackHeartbeat() }
        case .lineEnd:
            // The line that the heartbeat came into goes on.
            guard isAfterHeartbeat else { return endLine(&judge) }
            isAfterHeartbeat = false
        }
        return nil
    }

    /// Says that nothing more comes for the candidate.
    ///
    /// - Parameter reason: why not: the refusal of an object that is still open.
    mutating func end(_ reason: Refusal, _ judge: inout Judge) -> Finding {
        if let finding = endLine(&judge) { return finding }
        for index in readings.indices where readings[index].state == .open { readings[index].refuse(reason) }
        return .refused(refusal, place)
    }

    private mutating func takeBackHeartbeat() {
        line.removeLast(Self.heartbeat.count)
        readings[0].takeBack(Self.heartbeat)
        isAfterHeartbeat = true
    }

    /// Gives the line to the readings that judge by lines.
    private mutating func endLine(_ judge: inout Judge) -> Finding? {
        for index in readings.indices.dropFirst() {
            let kept = readings[index].repair.kept(of: line[...], isFirst: lineCount == 0)
            _ = readings[index].take(kept.span)
            if readings[index].state == .ended, let proof = judgeReading(index, &judge) { return .proof(proof, place) }
        }
        line.removeAll(keepingCapacity: true)
        lineCount += 1
        return readings.contains { $0.state == .open } ? nil : .refused(refusal, place)
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
