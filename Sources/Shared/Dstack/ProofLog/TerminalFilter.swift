/// Takes the text out of a terminal's bytes: escape sequences (ECMA-48) and control characters go, line ends are told.
///
/// A sequence that is never finished ends with its line, so that a stray byte cannot swallow the log.
struct TerminalFilter {
    private enum State {
        case text, escape, oneMore, controlSequence, controlString, controlStringEscape
    }

    /// What a byte is.
    enum Output: Equatable {
        case text(UInt8), lineEnd, nothing
    }

    private var state = State.text

    /// Whether the next byte is text, unless it is a control character.
    var isInText: Bool { state == .text }

    /// Takes the next byte of the log.
    mutating func take(_ byte: UInt8) -> Output {
        if byte == UInt8(ascii: "\n") {
            state = .text
            return .lineEnd
        }
        switch state {
        case .text: return takeText(byte)
        case .escape: return takeEscape(byte)
        case .oneMore: state = .text
        case .controlSequence:
            switch byte {
            case 0x20...0x3F: break
            case 0x40...0x7E: state = .text
            case 0x1B: state = .escape
            case 0x00..<0x20, 0x7F: break
            default: return takeText(byte)
            }
        case .controlString:
            if byte == 0x07 { state = .text }
            if byte == 0x1B { state = .controlStringEscape }
        case .controlStringEscape:
            guard byte == UInt8(ascii: "\\") else {
                return takeEscape(byte)
            }
            state = .text
        }
        return .nothing
    }

    private mutating func takeText(_ byte: UInt8) -> Output {
        state = byte == 0x1B ? .escape : .text
        return byte < 0x20 || byte == 0x7F ? .nothing : .text(byte)
    }

    private mutating func takeEscape(_ byte: UInt8) -> Output {
        switch byte {
        case UInt8(ascii: "["): state = .controlSequence
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"), UInt8(ascii: "_"):
            state = .controlString
        case UInt8(ascii: "#"), UInt8(ascii: "%"), UInt8(ascii: "(")...UInt8(ascii: "+"): state = .oneMore
        case UInt8(ascii: "7"), UInt8(ascii: "8"), UInt8(ascii: "="), UInt8(ascii: ">"), UInt8(ascii: "c"),
            UInt8(ascii: "D"), UInt8(ascii: "E"), UInt8(ascii: "H"), UInt8(ascii: "M")...UInt8(ascii: "O"),
            UInt8(ascii: "Z"):
            state = .text
        // No sequence that consoles see begins so: the escape byte was noise.
        default: return takeText(byte)
        }
        return .nothing
    }
}
