/// One way to read what follows a marker: the text so far under one ``LogDamage``, and whether its object has ended.
struct ParseAttempt {
    /// How far a reading is.
    enum State: Equatable {
        /// The object has not begun or not ended.
        case open
        /// The text is an object as far as its braces say, or is known to be none; nobody has judged it.
        case ended
        /// It was judged.
        case refused(RejectionReason)
    }

    let repair: LogDamage
    private(set) var text: [UInt8] = []
    private(set) var state = State.open

    private var depth = 0
    private var isInString = false
    private var isEscaped = false

    init(_ repair: LogDamage) { self.repair = repair }

    /// Takes the next bytes of the text, up to the end of the object; without effect once that has ended.
    ///
    /// - Returns: how many bytes that were.
    mutating func take(_ bytes: Span<UInt8>) -> Int {
        guard state == .open else { return bytes.count }
        var start = 0
        if text.isEmpty {
            while start < bytes.count, bytes[start] == UInt8(ascii: " ") { start += 1 }
            guard start < bytes.count else { return start }
            guard bytes[start] == UInt8(ascii: "{") else {
                state = .ended
                text.append(bytes[start])
                return start + 1
            }
        }
        var end = start
        var isEnded = false
        while end < bytes.count, !isEnded {
            isEnded = closesObject(bytes[end])
            end += 1
        }
        if isEnded { state = .ended }
        text.append(bytes.extracting(start..<end))
        return end
    }

    /// Takes the next byte of the text; whether the object ends with it.
    private mutating func closesObject(_ byte: UInt8) -> Bool {
        if isInString {
            takeInString(byte)
            return false
        }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: "}"): depth -= 1
        default: break
        }
        return depth == 0
    }

    private mutating func takeInString(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
        }
    }

    /// Ends the attempt: the candidate is not a proof.
    mutating func refuse(_ refusal: RejectionReason) { state = .refused(refusal) }

    /// Takes back the last bytes, which may hold no quote, brace or backslash.
    mutating func takeBack(_ suffix: [UInt8]) {
        if state == .open, text.hasSuffix(suffix) { text.removeLast(suffix.count) }
    }
}

extension [UInt8] {
    /// Adds bytes at the end.
    mutating func append(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }

    /// Whether the array ends with the bytes.
    func hasSuffix(_ suffix: [UInt8]) -> Bool {
        count >= suffix.count && self[(count - suffix.count)...] == suffix[...]
    }
}

/// A guess at which bytes after a marker belong to the proof and which came between.
///
/// A wrong guess does no harm: whether the bytes are a proof is decided by its signatures, not here.
enum LogDamage: CaseIterable {
    /// All text, its lines joined: the line as it was printed, or wrapped by a terminal. It comes first, since it is
    /// judged byte by byte and not line by line.
    case joined
    /// Without what follows a kernel's time stamp, up to the end of its line.
    case withoutStamped
    /// Every line after the first without the time stamp and the `name[pid]: ` in front.
    case withoutPrefixes
    /// Only what looks like a piece of a proof document.
    case onlyFragments
    /// Without backslashes: the line stood in a JSON string.
    case unescaped

    /// What of a line belongs to the proof.
    func kept(of line: ArraySlice<UInt8>, isFirst: Bool) -> ArraySlice<UInt8> {
        switch self {
        case .joined: line
        case .withoutStamped: Self.beforeStamp(line)
        case .withoutPrefixes: isFirst ? line : Self.withoutPrefix(line)
        case .onlyFragments: Self.fragment(of: line.filter { $0 < 0x80 }[...], isFirst: isFirst)
        case .unescaped: line.filter { $0 != UInt8(ascii: "\\") }[...]
        }
    }

    private static func beforeStamp(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        for start in line.indices where stampEnd(in: line, at: start) != nil { return line[..<start] }
        return line
    }

    /// Where a time stamp such as `[   41.747276]` that begins at `start` ends, or nil.
    private static func stampEnd(in line: ArraySlice<UInt8>, at start: Int) -> Int? {
        guard line[start] == UInt8(ascii: "[") else { return nil }
        let isDigit = { (byte: UInt8) in 0x30...0x39 ~= byte }
        let seconds = line[(start + 1)...].drop { $0 == UInt8(ascii: " ") }
        let point = seconds.drop(while: isDigit)
        guard point.count < seconds.count, point.first == UInt8(ascii: ".") else { return nil }
        let bracket = point.dropFirst().drop(while: isDigit)
        guard 2...10 ~= point.count - bracket.count, bracket.first == UInt8(ascii: "]") else { return nil }
        return bracket.startIndex + 1
    }

    private static func withoutPrefix(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = line
        if let first = rest.first, first == UInt8(ascii: "["), let end = stampEnd(in: rest, at: rest.startIndex) {
            rest = rest[end...].drop { $0 == UInt8(ascii: " ") }
        }
        // `name[pid]: `, with a limit since a name is short.
        let name = rest.prefix(64).prefix { isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
        let pid = rest[name.endIndex...].prefix { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: " ") }
        let colon = rest[pid.endIndex...].prefix(2)
        guard !name.isEmpty, pid.first == UInt8(ascii: "["), pid.last == UInt8(ascii: "]"),
            colon.elementsEqual(": ".utf8)
        else { return rest }
        return rest[colon.endIndex...]
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }

    /// The words of a proof document, besides its hex.
    private static let words = Array(
        """
        code_id dstack_proof message_hash message_signature app_signature kms_signature derived_compressed_pubkey \
        app_compressed_pubkey purpose ethereum kms_root member_id app_id derived_address verifier 0x
        """.utf8)

    /// The line up to a bracket or two spaces, where a status line of the boot may have been glued to it; nothing of a
    /// line that is no piece of a proof document.
    private static func fragment(of line: ArraySlice<UInt8>, isFirst: Bool) -> ArraySlice<UInt8> {
        var end = line.startIndex
        while end < line.endIndex, line[end] != UInt8(ascii: "["), !line[end...].starts(with: "  ".utf8) { end += 1 }
        let text = line[..<end]
        let isFragment = text.split(whereSeparator: { "\"{}:, ".utf8.contains($0) }).allSatisfy { word in
            isHex(word) || words.indices.contains { words[$0...].starts(with: word) }
        }
        return isFirst || isFragment ? text : []
    }

    private static func isHex(_ word: ArraySlice<UInt8>) -> Bool {
        let digits =
            word.starts(with: "0x".utf8) ? word.dropFirst(2) : word.starts(with: "x".utf8) ? word.dropFirst() : word
        return digits.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                UInt8(ascii: "A")...UInt8(ascii: "F"):
                true
            default: false
            }
        }
    }
}
