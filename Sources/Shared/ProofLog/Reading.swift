/// One way to read what stands behind a marker: the text so far under one ``Repair``, and whether its object has ended.
struct Reading {
    /// How far a reading is.
    enum State: Equatable {
        /// The object has not begun or not ended.
        case open
        /// The text is an object as far as its braces say, or is known to be none; nobody has judged it.
        case ended
        /// It was judged.
        case refused(Refusal)
    }

    let repair: Repair
    private(set) var text: [UInt8] = []
    private(set) var state = State.open

    private var depth = 0
    private var isInString = false
    private var isEscaped = false

    init(_ repair: Repair) { self.repair = repair }

    /// Takes one byte of the text; without effect once the object has ended.
    mutating func take(_ byte: UInt8) {
        guard state == .open else { return }
        if text.isEmpty, byte == UInt8(ascii: " ") { return }
        text.append(byte)
        guard text[0] == UInt8(ascii: "{") else { return state = .ended }
        if isInString {
            takeInString(byte)
        } else {
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "}"):
                depth -= 1
                if depth == 0 { state = .ended }
            default: break
            }
        }
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

    mutating func refuse(_ refusal: Refusal) { state = .refused(refusal) }

    /// Takes back the last bytes, which may hold no quote, brace or backslash.
    mutating func takeBack(_ suffix: [UInt8]) {
        if state == .open, text.hasSuffix(suffix) { text.removeLast(suffix.count) }
    }
}

extension [UInt8] {
    /// Whether the array ends with the bytes.
    func hasSuffix(_ suffix: [UInt8]) -> Bool {
        count >= suffix.count && self[(count - suffix.count)...] == suffix[...]
    }
}
