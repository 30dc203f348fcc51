import Glibc

/// Finds the marker in a stream of bytes, whatever pieces it comes in.
struct Marker {
    /// What stands in front of a proof.
    static let text: StaticString = "PROOF_JSON="

    /// How many bytes of a marker may stand behind the piece that it begins in.
    static let overlap = text.utf8CodeUnitCount - 1

    /// How many bytes of the marker the stream so far ends with.
    private(set) var matched = 0

    /// Takes one byte; true if the marker ends with it.
    mutating func take(_ byte: UInt8) -> Bool {
        let marker = Self.text
        // The marker's first letter stands nowhere else in it, so a mismatch can begin it anew only with this byte.
        if unsafe marker.utf8Start[matched] == byte {
            matched += 1
        } else {
            matched = unsafe marker.utf8Start[0] == byte ? 1 : 0
        }
        guard matched == marker.utf8CodeUnitCount else { return false }
        matched = 0
        return true
    }

    /// The marker's rarest letter in logs, and where in the marker it stands.
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

    /// Where the first marker stands.
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
            // The letter stands once in the marker, so no marker begins before it or with it.
            start += rare.offset + 1
        }
        return nil
    }
}

/// Counts line ends at the speed of memory.
enum LineEnds {
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
