/// What an error means to the caller of the program; it alone determines the exit status.
package enum ErrorCategory: Sendable, Hashable {
    /// The question was answered, and the answer is no (exit 1): a proof does not hold, a transaction reverted,
    /// a seal does not open.
    case negativeResult
    /// The command line or the input is invalid, and nothing was sent (exit 2).
    case badInput
    /// A service could not be reached, timed out or answered nonsense; known not sent (exit 3).
    case serviceFailed
    /// Something was sent and its outcome is not known (exit 4).
    case outcomeUnknown
}

/// An error that a program can report: every module's error enum conforms to it.
///
/// `description` is one sentence for the user's terminal: lower case, no full stop, operands in double quotes,
/// and never a byte of a secret.
package protocol UserFacingError: Error, CustomStringConvertible, Sendable {
    /// What the failure means; see ``ErrorCategory``.
    var kind: ErrorCategory { get }
    /// What the user may do about it, as further sentences; empty by default.
    var hints: [String] { get }
}

extension UserFacingError {
    package var hints: [String] { [] }
}

extension String {
    /// The text in double quotes, cut to a length that fits an error line, its control characters escaped,
    /// so that strangers' text can neither forge lines nor drive a terminal.
    ///
    /// - Parameter limit: the number of Unicode scalars that are shown at most.
    package func quoted(limit: Int = 80) -> String {
        let scalars = unicodeScalars.prefix(limit)
        let isCut = scalars.endIndex != unicodeScalars.endIndex
        return "\"\(Substring(scalars).escapingControlCharacters)\(isCut ? "…" : "")\""
    }

    /// A file's path as ``quoted(limit:)`` shows text, whole: its end says most, and it comes from the user.
    package var quotedPath: String { quoted(limit: 4096) }

    /// The text with `…` in place of all that could be a secret key, even one that was mistyped or cut: what a user
    /// wrote is repeated in errors, and a key may stand where it does not belong.
    package var hidingKeys: String {
        var shown = ""
        var digits = ""
        for character in self + "\n" {
            if character.isHexDigit {
                digits.append(character)
            } else {
                shown += digits.count >= Self.leastKeyDigits ? "…" : digits
                digits = ""
                shown.append(character)
            }
        }
        return String(shown.dropLast())
    }

    /// An address has 40 digits and is no secret; a key has 64.
    private static var leastKeyDigits: Int { 48 }
}

extension StringProtocol {
    /// The text with C0, C1, DEL, bidirectional and other format controls written as `\u{…}`.
    package var escapingControlCharacters: String {
        var result = ""
        for scalar in unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default:
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension String {
    /// The name that the text is most likely meant to be; nil if none is near: in other letters, or two slips away at most.
    package func nearest(among names: [String]) -> String? {
        let text = Array(lowercased().utf8)
        guard text.count <= 64 else { return nil }
        let near = names.map { (name: $0, distance: Self.distance(text, Array($0.lowercased().utf8))) }
            .min { $0.distance < $1.distance }
        return near.flatMap { $0.distance <= Swift.min(2, text.count / 3) ? $0.name : nil }
    }

    /// The names that the text may be meant to be, in their order: those that ``nearest(among:)`` takes for it, and those
    /// that it is a part of.
    package func near(among names: [String]) -> [String] {
        names.filter { name in
            nearest(among: [name]) != nil || (count > 2 && name.lowercased().contains(lowercased()))
        }
    }

    /// How many bytes are to be put in, taken out or changed to make one text the other (Levenshtein).
    private static func distance(_ text: [UInt8], _ other: [UInt8]) -> Int {
        var row = Array(0...other.count)
        for (index, byte) in text.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for place in other.indices {
                let changed = diagonal + (byte == other[place] ? 0 : 1)
                diagonal = row[place + 1]
                row[place + 1] = Swift.min(changed, row[place] + 1, diagonal + 1)
            }
        }
        return row[other.count]
    }
}

extension String {
    /// The name of a file as one word of a shell's command line, which no program takes for an option.
    package var shellWord: String {
        guard !hasPrefix("-") else { return "./\(self)".shellWord }
        guard !isPlainWord else { return self }
        guard utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            return "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
        }
        // A message shows no control characters: bash and zsh read them like this.
        let characters = utf8.map { byte in
            let isShown = byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "'") && byte != UInt8(ascii: "\\")
            return isShown ? String(UnicodeScalar(byte)) : "\\x" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16)
        }
        return "$'" + characters.joined() + "'"
    }

    /// Whether a shell takes the text as it is.
    private var isPlainWord: Bool {
        !isEmpty
            && utf8.allSatisfy { byte in
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || "0123456789._/-+,:@%".utf8.contains(byte)
            }
    }

    /// What to do about a path that begins with ~, which the shell has left there; nil where there is none.
    package var tildeHint: String? {
        guard self == "~" || hasPrefix("~/") else { return nil }
        let rest = String(dropFirst())
        let path = rest.isEmpty || rest.isPlainWord ? "$HOME\(rest)" : "\"$HOME\"\(rest.shellWord)"
        return "a shell expands ~ only at the beginning of a word: write \(path)"
    }

    /// What to do about quotes that no shell has taken off, as in files of settings; nil where there are none.
    package var quotesHint: String? {
        guard hasPrefix("\"") || hasPrefix("'") else { return nil }
        return "remove the quotes: a shell would, but here they are part of the value"
    }
}
