import Glibc

/// The marker in front of a proof, in one of the ways in which logs are written.
struct Marker: Sendable {
    /// The marker before a proof, as it is printed.
    static let text = "PROOF_JSON="

    /// How the log is written where this stands.
    let encoding: LogEncoding
    private let bytes: StaticString
    /// The offset in it of a byte that is rare in logs.
    private let rare: Int

    private init(_ encoding: LogEncoding, _ bytes: StaticString, rare: Int) {
        (self.encoding, self.bytes, self.rare) = (encoding, bytes, rare)
    }

    /// Those that have a `J`, the rarest letter of the marker, which many logs have in no line.
    private static let withJ = [
        Marker(.plain, "PROOF_JSON=", rare: 6),
        Marker(.plain, "PROOF_JSON =", rare: 6),
        Marker(.plain, "PROOF_JSON:", rare: 6),
        Marker(.utf16(isBigEndian: false), "P\0R\0O\0O\0F\0_\0J\0S\0O\0N\0=\0", rare: 12),
        Marker(.utf16(isBigEndian: true), "\0P\0R\0O\0O\0F\0_\0J\0S\0O\0N\0=", rare: 13),
        base64[0],
    ]

    /// What base64 makes of the marker behind 0, 1 or 2 bytes of a group of three, as far as no neighbour changes it.
    /// Where a neighbour ends the last group, its beginning is decoded again.
    private static let base64 = [
        Marker(.base64(begun: "Tj", markerByteCount: 2), "UFJPT0ZfSlNPTj", rare: 2),
        Marker(.base64(begun: "", markerByteCount: 0), "BST09GX0pTT049", rare: 6),
        Marker(.base64(begun: "P", markerByteCount: 1), "QUk9PRl9KU09OP", rare: 0),
    ]

    /// The bytes' numbers, as journalctl prints what is no UTF-8 or has control characters.
    private static let numbers = [
        Marker(.numbers, "80,82,79,79,70,95,74,83,79,78,61", rare: 0),
        Marker(.numbers, "80, 82, 79, 79, 70, 95, 74, 83, 79, 78, 61", rare: 0),
    ]

    /// How many bytes of a marker may stand in front of a cut through it.
    static let overlap = (numbers + withJ + base64).reduce(0) { max($0, $1.bytes.utf8CodeUnitCount) } - 1

    /// A marker in some bytes.
    struct Match {
        /// Where it begins and, in front of the proof, ends.
        let range: Range<Int>
        /// How the log is written there.
        let encoding: LogEncoding
        /// The stream that the record was printed to, as the members in front of its text say; nil if none does.
        let stream: String?
    }

    /// Where markers stand, in their order; goes through the bytes at the speed of memory.
    ///
    /// - Parameter line: the line that the bytes continue. Base64 and numbers stand in records alone, so behind a brace.
    static func matches(in bytes: Span<UInt8>, _ line: OpenLine) -> [Match] {
        unsafe bytes.withUnsafeBytes { buffer in
            var matches: [Match] = []
            unsafe find(withJ, in: buffer, &matches)
            if line.hasBrace || bytes.contains(OpenLine.brace) {
                unsafe find([base64[1]], in: buffer, &matches)
                unsafe find([base64[2]], in: buffer, &matches)
                unsafe findNumbers(in: buffer, &matches)
            }
            guard !matches.isEmpty else { return matches }
            matches.sort { $0.range.lowerBound < $1.range.lowerBound }
            var line = line
            var position = 0
            return matches.compactMap { match in
                line.advance(over: bytes.extracting(position..<match.range.lowerBound))
                position = match.range.lowerBound
                guard line.hasBrace || !match.encoding.isInRecords else { return nil }
                return Match(range: match.range, encoding: match.encoding, stream: line.stream)
            }
        }
    }

    /// Finds markers that have the same rare byte.
    private static func find(
        _ markers: [Marker], in buffer: UnsafeRawBufferPointer, _ matches: inout [Match]
    ) {
        guard let base = buffer.baseAddress, let first = markers.first else { return }
        let letter = unsafe Int32(first.bytes.utf8Start[first.rare])
        var position = 0
        // memchr is several times as fast as a search for a whole marker.
        while position < buffer.count,
            let found = unsafe memchr(base + position, letter, buffer.count - position)
        {
            position = unsafe UnsafeRawPointer(found) - base
            for marker in markers {
                let start = position - marker.rare
                let end = start + marker.bytes.utf8CodeUnitCount
                guard start >= 0, end <= buffer.count,
                    unsafe memcmp(base + start, marker.bytes.utf8Start, end - start) == 0
                else { continue }
                matches.append(Match(range: start..<end, encoding: marker.encoding, stream: nil))
            }
            position += 1
        }
    }

    /// Finds markers in arrays of numbers: in one that the bytes begin in, and behind brackets.
    private static func findNumbers(in buffer: UnsafeRawBufferPointer, _ matches: inout [Match]) {
        guard let base = buffer.baseAddress else { return }
        var start = 0
        while start < buffer.count {
            var end = start
            while end < buffer.count, unsafe isInArray(buffer[end]) { end += 1 }
            while start < end {
                if unsafe buffer[start] == UInt8(ascii: "8") {
                    for marker in numbers {
                        let count = marker.bytes.utf8CodeUnitCount
                        guard start + count <= end,
                            unsafe memcmp(base + start, marker.bytes.utf8Start, count) == 0
                        else { continue }
                        matches.append(Match(range: start..<(start + count), encoding: .numbers, stream: nil))
                    }
                }
                start += 1
            }
            guard end < buffer.count,
                let bracket = unsafe memchr(base + end, Int32(UInt8(ascii: "[")), buffer.count - end)
            else { return }
            start = unsafe UnsafeRawPointer(bracket) - base + 1
        }
    }

    private static func isInArray(_ byte: UInt8) -> Bool {
        0x30...0x39 ~= byte || byte == UInt8(ascii: ",") || byte == UInt8(ascii: " ")
    }
}

/// The line that a stream of bytes continues: what it has so far, as far as that tells how to read the rest.
struct OpenLine {
    /// The first bytes of the line.
    private var head: [UInt8] = []
    /// Whether the line has a brace, as every JSON record has in front of its text.
    private(set) var hasBrace = false

    static let brace = UInt8(ascii: "{")

    /// How many bytes of a line are kept: those in front of a record, and its members in front of the text.
    private static let headLimit = 1024
    /// How many members are looked at, with the commas in them.
    private static let commaLimit = 16

    /// A line that nothing came of.
    init() {}

    /// A line of which nobody knows the beginning, and which may be a record.
    static var unknown: OpenLine {
        var line = OpenLine()
        line.hasBrace = true
        return line
    }

    /// The stream that the members in front of a record's text name; nil if none does.
    var stream: String? {
        guard hasBrace, let brace = head.firstIndex(of: Self.brace) else { return nil }
        // The text may have commas, too: what ends at one of those is no list of members.
        let commas = head.indices.lazy.filter { head[$0] == UInt8(ascii: ",") && $0 > brace }.prefix(Self.commaLimit)
        return commas.lazy.compactMap { LogRecord.stream(inMembers: head[(brace + 1)..<$0]) }.first
    }

    /// Continues behind these bytes.
    mutating func advance(over bytes: Span<UInt8>) {
        var rest = bytes
        if let end = bytes.lastIndex(of: UInt8(ascii: "\n")) {
            rest = bytes.extracting((end + 1)...)
            self = OpenLine()
        }
        head.append(rest.extracting(first: min(rest.count, Self.headLimit - head.count)))
        hasBrace = hasBrace || rest.contains(Self.brace)
    }
}

extension Span<UInt8> {
    /// Whether one of the bytes is this one.
    func contains(_ byte: UInt8) -> Bool {
        unsafe withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return false }
            return unsafe memchr(base, Int32(byte), buffer.count) != nil
        }
    }

    /// Where the last of the bytes stands that is this one.
    fileprivate func lastIndex(of byte: UInt8) -> Int? { indices.last { self[$0] == byte } }
}

/// Finds markers in a stream of bytes, whatever pieces it comes in.
struct MarkerSearch {
    /// The last bytes, in which a marker may have begun.
    private var last: [UInt8] = []
    /// The line that those continue.
    private var line = OpenLine()

    /// The markers that end in the next bytes, in their order; one may have begun before them.
    mutating func matches(in bytes: Span<UInt8>) -> [Marker.Match] {
        var seam = last
        seam.append(bytes.extracting(first: min(bytes.count, Marker.overlap)))
        var matches = Marker.matches(in: seam.span, line).compactMap { match -> Marker.Match? in
            guard match.range.lowerBound < last.count, match.range.upperBound > last.count else { return nil }
            let range = (match.range.lowerBound - last.count)..<(match.range.upperBound - last.count)
            return Marker.Match(range: range, encoding: match.encoding, stream: match.stream)
        }
        var lineOfBytes = line
        lineOfBytes.advance(over: last.span)
        matches += Marker.matches(in: bytes, lineOfBytes)
        if bytes.count < Marker.overlap {
            let passed = max(0, seam.count - Marker.overlap)
            line.advance(over: seam.span.extracting(first: passed))
            last = Array(seam[passed...])
        } else {
            line = lineOfBytes
            line.advance(over: bytes.extracting(droppingLast: Marker.overlap))
            last.removeAll(keepingCapacity: true)
            last.append(bytes.extracting(last: Marker.overlap))
        }
        return matches
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
