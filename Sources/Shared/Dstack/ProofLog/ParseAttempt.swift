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

    let damage: LogDamage
    private(set) var text: [UInt8] = []
    private(set) var state = State.open

    private var records: RecordJoiner
    private var depth = 0
    private var isInString = false
    private var isEscaped = false

    /// - Parameter stream: that of the record in which the marker stands; nil if it is not known.
    init(_ damage: LogDamage, stream: String?) {
        self.damage = damage
        records = RecordJoiner(stream: stream)
    }

    /// Takes what of a line belongs to the proof.
    mutating func take(line: ArraySlice<UInt8>, isFirst: Bool) {
        guard state == .open else { return }
        let kept =
            damage == .records ? records.text(of: line, isFirst: isFirst)[...] : damage.kept(of: line, isFirst: isFirst)
        _ = take(kept.span)
    }

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

    /// The name of the last member that was begun.
    var lastMember: String? {
        let marks = text.split(separator: UInt8(ascii: "\""), omittingEmptySubsequences: false)
        let name = marks.indices.last { index in
            index > 0 && marks[index].first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\\") } == UInt8(ascii: ":")
        }
        return name.map { name in
            String(decoding: marks[name - 1].filter { $0 != UInt8(ascii: "\\") }, as: UTF8.self)
        }
    }

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
