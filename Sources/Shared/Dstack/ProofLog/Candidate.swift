package import Dstack
import Failures
package import JSON

/// What follows one marker, while it is being read in all the ways that ``LogDamage`` knows.
///
/// Its memory is bounded: ``byteLimit`` bytes for the line, and as much again for each reading.
struct Candidate {
    /// How many bytes after the marker are read. A proof has about 1200.
    static let byteLimit = 16 * 1024
    /// How many lines after the marker are read.
    static let lineLimit = 128

    /// How many bytes after the marker are read where the text is written in more.
    static let encodedByteLimit = 4 * byteLimit

    /// The location of the marker.
    let place: SourceLocation

    private let encoding: LogEncoding
    private var decoder: LogDecoder
    private var encodedByteCount = 0
    private var readings: [ParseAttempt]
    private var filter = TerminalFilter()
    private var line: [UInt8] = []
    private var byteCount = 0
    private var lineCount = 0
    private var isAfterHeartbeat = false

    /// What the VMM's log stream says when nothing else does, in the middle of a line if need be (dstack:
    /// vmm/src/main_routes.rs); a line end follows.
    private static let heartbeat = Array("[vmm heartbeat]".utf8)

    init(at place: SourceLocation, behind marker: Marker.Match) {
        self.place = place
        encoding = marker.encoding
        decoder = LogDecoder(marker.encoding, stream: marker.stream)
        readings = LogDamage.allCases.map { ParseAttempt($0, stream: marker.stream) }
    }

    /// Whether nothing was read yet.
    var isUntouched: Bool { byteCount == 0 && encodedByteCount == 0 }

    /// The result if the candidate is known to end with these bytes.
    func finding(in bytes: Span<UInt8>, _ validator: inout ProofValidator) -> ScanResult {
        guard !bytes.isEmpty else { return .refused(.cutOff(in: nil), place) }
        var candidate = self
        // Without a brace no reading finds an object; the plain one says what there is.
        if encoding == .plain, !bytes.contains(UInt8(ascii: "{")) { candidate.readings.removeSubrange(1...) }
        return candidate.take(bytes, &validator) ?? candidate.end(&validator)
    }

    /// Takes the next bytes after the marker; returns the result once there is one: the rest does not matter then.
    mutating func take(_ bytes: Span<UInt8>, _ validator: inout ProofValidator) -> ScanResult? {
        guard encoding != .plain else { return take(text: bytes, &validator) }
        let taken = bytes.extracting(first: min(bytes.count, Self.encodedByteLimit - encodedByteCount))
        encodedByteCount += taken.count
        var text: [UInt8] = []
        decoder.decode(taken, into: &text)
        if let finding = take(text: text.span, &validator) { return finding }
        return encodedByteCount == Self.encodedByteLimit ? end(isTooLong: true, &validator) : nil
    }

    private mutating func take(text bytes: Span<UInt8>, _ validator: inout ProofValidator) -> ScanResult? {
        var position = 0
        while position < bytes.count {
            let rest = bytes.extracting(position...)
            let plainCount = filter.isInText ? Self.plainCount(of: rest) : 0
            if plainCount > 0 {
                position += takeText(rest.extracting(first: min(plainCount, Self.byteLimit - byteCount)))
            } else {
                let byte = bytes[position]
                position += 1
                if let finding = take(byte, &validator) { return finding }
            }
            if readings[0].state == .ended, let proof = judgeReading(0, &validator) { return .proof(proof, place) }
            if byteCount == Self.byteLimit { return end(isTooLong: true, &validator) }
            if lineCount == Self.lineLimit { return end(&validator) }
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

    private mutating func take(_ byte: UInt8, _ validator: inout ProofValidator) -> ScanResult? {
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
            guard isAfterHeartbeat else { return endLine(&validator) }
            isAfterHeartbeat = false
        }
        return nil
    }

    /// Says that nothing more comes for the candidate.
    ///
    /// - Parameter isTooLong: whether that is because no proof is so long.
    mutating func end(isTooLong: Bool = false, _ validator: inout ProofValidator) -> ScanResult {
        if let finding = endLine(&validator) { return finding }
        for index in readings.indices where readings[index].state == .open {
            readings[index].refuse(
                isTooLong ? .tooLong(limit: Self.byteLimit) : .cutOff(in: readings[index].lastMember))
        }
        return .refused(refusal, place)
    }

    private mutating func takeBackHeartbeat() {
        line.removeLast(Self.heartbeat.count)
        readings[0].takeBack(Self.heartbeat)
        isAfterHeartbeat = true
    }

    /// Gives the line to the readings that judge by lines.
    private mutating func endLine(_ validator: inout ProofValidator) -> ScanResult? {
        for index in readings.indices.dropFirst() {
            readings[index].take(line: line[...], isFirst: lineCount == 0)
            if readings[index].state == .ended, let proof = judgeReading(index, &validator) {
                return .proof(proof, place)
            }
        }
        line.removeAll(keepingCapacity: true)
        lineCount += 1
        return readings.contains { $0.state == .open } ? nil : .refused(refusal, place)
    }

    private mutating func judgeReading(_ index: Int, _ validator: inout ProofValidator) -> Proof? {
        let text = readings[index].text
        // Most readings of most candidates are alike: each text is judged once.
        for other in readings[..<index] where other.text == text {
            guard case .refused(let refusal) = other.state else { continue }
            readings[index].refuse(refusal)
            return nil
        }
        switch validator.validate(text, line: place.line) {
        case .success(let proof): return proof
        case .failure(let refusal):
            readings[index].refuse(refusal)
            return nil
        }
    }

    /// The refusal of the reading that came furthest; of several, the first.
    private var refusal: RejectionReason {
        let refusals = readings.compactMap { reading -> RejectionReason? in
            guard case .refused(let refusal) = reading.state, !reading.text.isEmpty else { return nil }
            return refusal
        }
        return refusals.dropFirst().reduce(refusals.first ?? .cutOff(in: nil)) { $0.progress < $1.progress ? $1 : $0 }
    }
}

/// Says whether a text is a proof, and remembers the last that was, since logs repeat themselves.
struct ProofValidator: Sendable {
    private var text: [UInt8] = []
    private var proof: Proof?

    /// The proof that the text is.
    ///
    /// - Parameter line: the line of the text, for the rejection.
    mutating func validate(_ text: [UInt8], line: Int) -> Result<Proof, RejectionReason> {
        if let proof, text == self.text { return .success(proof) }
        do throws(RejectionReason) {
            let proof = try Self.proof(text, line: line)
            self.text = text
            self.proof = proof
            return .success(proof)
        } catch {
            return .failure(error)
        }
    }

    private static func proof(_ text: [UInt8], line: Int) throws(RejectionReason) -> Proof {
        guard text.first == UInt8(ascii: "{") else { throw .notJSON(.notAnObject(line: line)) }
        let value: JSONValue
        do throws(JSONError) { value = try JSONParser.parse(text, line: line) } catch { throw .notJSON(error) }
        guard let object = value.object else { throw .notJSON(.notAnObject(line: line)) }
        do throws(ProofError) { return try Proof(json: object) } catch { throw .invalid(error) }
    }
}

/// Where a marker stood.
package struct SourceLocation: Equatable, Sendable {
    /// Which of the files that were read one after another, from 0.
    package var source: Int
    /// The line in that file, from 1.
    package var line: Int
    /// The bytes of that file in front of the marker.
    package var offset: Int

    package init(source: Int = 0, line: Int, offset: Int) {
        self.source = source
        self.line = line
        self.offset = offset
    }
}

/// What became of one marker.
package enum ScanResult: Equatable, Sendable {
    /// A proof all of whose signatures hold.
    case proof(Proof, SourceLocation)
    /// There is no valid proof, despite all repairs.
    case refused(RejectionReason, SourceLocation)
}

/// Why no valid proof follows a marker.
package enum RejectionReason: Error, Equatable, Sendable {
    /// The log, or another marker, or too many other lines came before the end of the object. The last member that was
    /// begun is this one, if any was.
    case cutOff(in: String?)
    /// The object does not end within `limit` bytes.
    case tooLong(limit: Int)
    /// The candidate is not JSON.
    case notJSON(JSONError)
    /// It is JSON, but not a proof, or a proof that does not hold.
    case invalid(ProofError)

    /// How far the candidate came; the further, the more its refusal tells.
    var progress: Int {
        switch self {
        case .notJSON: 0
        case .cutOff, .tooLong: 1
        case .invalid(.malformed): 2
        case .invalid: 3
        }
    }
}

/// A candidate that was refused.
package struct Rejection: Equatable, Sendable {
    /// Where its marker stands.
    package let location: SourceLocation
    /// Why it is no proof.
    package let cause: RejectionReason

    package init(_ location: SourceLocation, _ cause: RejectionReason) {
        self.location = location
        self.cause = cause
    }

    /// Why it was refused, for a message that has named the line.
    package var reason: String {
        let text =
            switch cause {
            case .cutOff(let member): "it is cut off" + (member.map { " in \($0.quoted(limit: 40))" } ?? "")
            case .tooLong(let limit): "it does not end within \(limit) bytes"
            case .notJSON(let error): error.description
            case .invalid(let error): error.description
            }
        let line = "line \(location.line): "
        return text.hasPrefix(line) ? String(text.dropFirst(line.count)) : text
    }
}
