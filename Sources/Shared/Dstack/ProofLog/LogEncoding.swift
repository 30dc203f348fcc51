import JSON

/// How the text of a log is written, where it is not as it was printed.
enum LogEncoding: Sendable, Equatable {
    /// As it was printed, or in a JSON string, which leaves the marker as it is.
    case plain
    /// In UTF-16, as PowerShell redirects output into files.
    case utf16(isBigEndian: Bool)
    /// In base64, as dstack's log endpoint gives it. The end of the marker is in a group of four digits, of which
    /// `begun` are the first; it begins with so many bytes of the marker.
    case base64(begun: String, markerByteCount: Int)
    /// As an array of the bytes' numbers, as journalctl does with what is no plain text.
    case numbers

    /// Whether text is written so in JSON records alone.
    var isInRecords: Bool {
        switch self {
        case .plain, .utf16: false
        case .base64, .numbers: true
        }
    }
}

/// Turns what follows a marker into the text that was printed, as it comes.
struct LogDecoder: Sendable {
    private enum State: Equatable {
        /// In the text.
        case text
        /// Behind the text of a record, up to the end of its line.
        case recordEnd
        /// In a line that may be a record with more of the text.
        case record
        /// Nothing more of the text comes.
        case ended
    }

    private let encoding: LogEncoding
    /// The stream of the first record; nil if it is not known.
    private var stream: String?
    private var state = State.text
    /// What has come of a character, a group of digits or a number.
    private var begun: (value: Int, count: Int) = (0, 0)
    /// How many bytes are the marker's.
    private var skipCount = 0
    private var line: [UInt8] = []

    init(_ encoding: LogEncoding, stream: String?) {
        self.encoding = encoding
        self.stream = stream
        if case .base64(let digits, let markerByteCount) = encoding {
            var none: [UInt8] = []
            for digit in digits.utf8 { takeBase64(digit, &none) }
            skipCount = markerByteCount
            // The first of two digits and the half of the second were bytes of the marker already.
            skipCount -= none.count
        }
    }

    /// Takes the next bytes of the log, and adds the text that they are.
    mutating func decode(_ bytes: Span<UInt8>, into text: inout [UInt8]) {
        for index in bytes.indices where state != .ended {
            let byte = bytes[index]
            switch encoding {
            case .plain: text.append(byte)
            case .utf16(let isBigEndian): takeUTF16(byte, isBigEndian: isBigEndian, &text)
            case .numbers: takeNumber(byte, &text)
            case .base64:
                switch state {
                case .text: takeBase64(byte, &text)
                case .recordEnd, .record: takeLine(byte, &text)
                case .ended: break
                }
            }
        }
    }

    private mutating func takeUTF16(_ byte: UInt8, isBigEndian: Bool, _ text: inout [UInt8]) {
        guard begun.count == 1 else {
            begun = (Int(byte), 1)
            return
        }
        let before = UInt8(truncatingIfNeeded: begun.value)
        let (low, high) = isBigEndian ? (byte, before) : (before, byte)
        begun = (0, 0)
        // No proof has characters beyond ASCII.
        text.append(high == 0 && low < 0x80 ? low : UInt8(ascii: "?"))
    }

    private mutating func takeNumber(_ byte: UInt8, _ text: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9") where begun.count < 3:
            begun = (10 * begun.value + Int(byte - UInt8(ascii: "0")), begun.count + 1)
        case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: " "):
            if begun.count > 0 { text.append(UInt8(truncatingIfNeeded: begun.value)) }
            begun = (0, 0)
            if byte == UInt8(ascii: "]") { state = .ended }
        default: state = .ended
        }
    }

    private mutating func takeBase64(_ byte: UInt8, _ text: inout [UInt8]) {
        guard let digit = Base64.value(of: byte) else {
            switch byte {
            // The end of the text, an escaped slash, and wrapped lines.
            case UInt8(ascii: "="), UInt8(ascii: "\\"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): break
            case UInt8(ascii: "\""):
                begun = (0, 0)
                state = .recordEnd
            default: state = .ended
            }
            return
        }
        begun = (begun.value << 6 | digit, begun.count + 6)
        guard begun.count >= 8 else { return }
        begun.count -= 8
        let decoded = UInt8(truncatingIfNeeded: begun.value >> begun.count)
        begun.value &= 1 << begun.count - 1
        if skipCount > 0 { skipCount -= 1 } else { text.append(decoded) }
    }

    private mutating func takeLine(_ byte: UInt8, _ text: inout [UInt8]) {
        guard byte == UInt8(ascii: "\n") || line.count >= Candidate.encodedByteLimit else {
            line.append(byte)
            return
        }
        defer { line = [] }
        guard state == .record else {
            stream = stream ?? LogRecord.stream(inEnd: line[...])
            state = .record
            return
        }
        guard let record = LogRecord(line: line) else {
            state = .ended
            return
        }
        guard stream == nil || record.stream == stream else { return }
        begun = (0, 0)
        for digit in record.text { takeBase64(digit, &text) }
        state = .record
    }
}

/// The digits of base64 (RFC 4648, section 4).
enum Base64 {
    /// The value of a digit, from 0 to 63; nil for what is none.
    static func value(of byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(byte - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
