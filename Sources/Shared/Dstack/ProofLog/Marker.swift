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
    }

    /// Where markers stand, in their order; goes through the bytes at the speed of memory.
    ///
    /// - Parameter lines: the line that the bytes go on with. Base64 and numbers stand in records alone.
    static func matches(in bytes: Span<UInt8>, _ lines: RecordLines) -> [Match] {
        unsafe bytes.withUnsafeBytes { buffer in
            var matches: [Match] = []
            unsafe find(withJ, in: buffer, &matches)
            if lines.mayBegin(in: bytes) {
                unsafe find([base64[1]], in: buffer, &matches)
                unsafe find([base64[2]], in: buffer, &matches)
                unsafe findNumbers(in: buffer, &matches)
            }
            guard !matches.isEmpty else { return matches }
            matches.sort { $0.range.lowerBound < $1.range.lowerBound }
            var line = lines
            var position = 0
            return matches.filter { match in
                line.advance(over: bytes.extracting(position..<match.range.lowerBound))
                position = match.range.lowerBound
                return !match.encoding.isInRecords || line.isRecord(bytes[position])
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
                matches.append(Match(range: start..<end, encoding: marker.encoding))
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
                        matches.append(Match(range: start..<(start + count), encoding: .numbers))
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

/// Which lines of a stream of bytes are JSON records: those that begin with a brace.
struct RecordLines {
    /// The first byte of the line that the next bytes go on with; nil if they begin a line.
    private var first: UInt8?

    /// - Parameter isInRecord: whether the first bytes are taken for those of a record.
    init(isInRecord: Bool = false) { if isInRecord { first = Self.brace } }

    private static let brace = UInt8(ascii: "{")
    private static let lineEnd = UInt8(ascii: "\n")

    /// Whether there may be a part of a record in the next bytes.
    func mayBegin(in bytes: Span<UInt8>) -> Bool {
        if first == Self.brace { return true }
        return unsafe bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return false }
            return unsafe memchr(base, Int32(Self.brace), buffer.count) != nil
        }
    }

    /// Whether the line that goes on with this byte is a record.
    func isRecord(_ next: UInt8) -> Bool { (first ?? next) == Self.brace }

    /// Goes on behind these bytes.
    mutating func advance(over bytes: Span<UInt8>) {
        guard !bytes.isEmpty else { return }
        if let start = Self.lineStart(in: bytes, before: bytes.count) {
            first = start < bytes.count ? bytes[start] : nil
        } else {
            first = first ?? bytes[0]
        }
    }

    /// Where the line begins that a place is in; nil if that is in front of the bytes.
    private static func lineStart(in bytes: Span<UInt8>, before place: Int) -> Int? {
        var start = place
        while start > 0 {
            if bytes[start - 1] == lineEnd { return start }
            start -= 1
        }
        return nil
    }
}

/// Finds markers in a stream of bytes, whatever pieces it comes in.
struct MarkerSearch {
    /// The last bytes, in which a marker may have begun.
    private var last: [UInt8] = []
    private var lines = RecordLines()

    /// The markers that end in the next bytes, in their order; one may have begun before them.
    mutating func matches(in bytes: Span<UInt8>) -> [Marker.Match] {
        var matches: [Marker.Match] = []
        if !last.isEmpty {
            var seam = last
            seam.append(bytes.extracting(first: min(bytes.count, Marker.overlap)))
            // What stands in front of the seam is of the line that it goes on with, or in front of that.
            for match in Marker.matches(in: seam.span, lines)
            where match.range.lowerBound < last.count && match.range.upperBound > last.count {
                let range = (match.range.lowerBound - last.count)..<(match.range.upperBound - last.count)
                matches.append(Marker.Match(range: range, encoding: match.encoding))
            }
        }
        matches += Marker.matches(in: bytes, lines)
        lines.advance(over: bytes)
        if bytes.count < Marker.overlap {
            last.append(bytes)
            last.removeFirst(max(0, last.count - Marker.overlap))
        } else {
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
