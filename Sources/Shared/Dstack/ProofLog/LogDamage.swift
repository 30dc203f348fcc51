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
    /// Without backslashes: the line stood in a JSON string, or in one within another.
    case unescaped
    /// The text of JSON records: docker's, journald's, asciicast's; see ``RecordJoiner``.
    case records
    /// What stands behind the stamp of a container runtime, as Kubernetes and podman write it, of one stream.
    case standardOutput, standardError
    /// Without what the VMM says when it cannot read a line.
    case withoutNotices
    /// With the characters that HTML names.
    case html
    /// With JSON's quotes in place of Python's, or without quotes around the whole.
    case requoted

    /// What of a line belongs to the proof.
    func kept(of line: ArraySlice<UInt8>, isFirst: Bool) -> ArraySlice<UInt8> {
        switch self {
        case .joined: line
        case .withoutStamped: Self.beforeStamp(line)
        case .withoutPrefixes: isFirst ? line : Self.withoutPrefix(line)
        case .onlyFragments: Self.fragment(of: line.filter { $0 < 0x80 }[...], isFirst: isFirst)
        case .unescaped: line.filter { $0 != UInt8(ascii: "\\") }[...]
        // Its lines depend on each other.
        case .records: []
        case .standardOutput: isFirst ? line : Self.behindStamp(line, of: "stdout")
        case .standardError: isFirst ? line : Self.behindStamp(line, of: "stderr")
        case .withoutNotices: Self.withoutNotices(line)
        case .html: Self.withoutEntities(line)
        case .requoted: Self.requoted(line, isFirst: isFirst)
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

// Containers, and what programs make of a text that they print.
extension LogDamage {
    /// What stands behind `2026-11-20T10:00:00.123456789Z stdout P ` (CRI); nothing of a line of the other stream.
    private static func behindStamp(_ line: ArraySlice<UInt8>, of stream: String) -> ArraySlice<UInt8> {
        let parts = line.prefix(64).split(separator: UInt8(ascii: " "), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, parts[1].elementsEqual(stream.utf8),
            parts[2].first.map({ "PF".utf8.contains($0) }) == true
        else { return [] }
        return line[parts[3].startIndex...]
    }

    /// The line without `<failed to read line: …>` (dstack: vmm/src/main_routes.rs).
    private static func withoutNotices(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let opening = "<failed to read line:".utf8
        var kept: [UInt8] = []
        var rest = line
        while let start = rest.firstIndex(of: UInt8(ascii: "<")) {
            kept += rest[..<start]
            rest = rest[start...]
            let end = rest.starts(with: opening) ? rest.firstIndex(of: UInt8(ascii: ">")) : nil
            if end == nil { kept.append(UInt8(ascii: "<")) }
            rest = rest[((end ?? start) + 1)...]
        }
        return kept.isEmpty ? rest : kept + rest
    }

    /// The line with the characters that its entities name, also where those were written as entities once more.
    private static func withoutEntities(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard line.contains(UInt8(ascii: "&")) else { return [] }
        var text = String(decoding: line, as: UTF8.self)
        for _ in 0..<2 { text = text.replacing("&amp;", with: "&") }
        for quote in ["&quot;", "&#34;", "&#x22;"] { text = text.replacing(quote, with: "\"") }
        return Array(text.utf8)[...]
    }

    /// The line of a dictionary that Python printed, or of a text in quotes.
    private static func requoted(_ line: ArraySlice<UInt8>, isFirst: Bool) -> ArraySlice<UInt8> {
        let start = line.drop { $0 == UInt8(ascii: " ") }
        if isFirst, let first = start.first, "'\"b".utf8.contains(first) {
            let isBytes = first == UInt8(ascii: "b")
            return start.dropFirst(isBytes ? 2 : 1).filter { $0 != UInt8(ascii: "\\") }[...]
        }
        let text = String(decoding: line, as: UTF8.self).replacing("'", with: "\"").replacing(": None", with: ": null")
        return Array(text.utf8)[...]
    }
}
