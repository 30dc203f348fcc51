/// Reads the text of types and signatures, token by token; white space may stand between tokens.
struct SignatureScanner {
    private let text: String
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        self.text = text
        bytes = Array(text.utf8)
    }

    /// The next byte that is no white space, or nil at the end.
    var peek: UInt8? {
        mutating get {
            while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
            return position < bytes.count ? bytes[position] : nil
        }
    }

    /// Where the next byte that is no white space stands.
    var offset: Int {
        mutating get {
            _ = peek
            return position
        }
    }

    /// Takes the character if it is next.
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Takes the character, which must be next.
    mutating func require(_ character: Unicode.Scalar) throws(ABIError) {
        guard take(character) else { throw expected("\"\(character)\"") }
    }

    /// Takes a name: letters, digits, `_` and `$`, no digit in front.
    mutating func identifier() -> String? {
        guard let first = peek, Self.isLetter(first) else { return nil }
        return run { Self.isLetter($0) || Self.isDigit($0) }
    }

    /// Takes a name that must be next.
    mutating func requireIdentifier(_ what: String) throws(ABIError) -> String {
        guard let name = identifier() else { throw expected(what) }
        return name
    }

    /// Takes the decimal digits that are next; none if there are none.
    mutating func digits() -> String {
        _ = peek
        return run(while: Self.isDigit)
    }

    /// Takes the word if it is next as a whole.
    mutating func take(word: String) -> Bool {
        let start = position
        if identifier() == word { return true }
        position = start
        return false
    }

    /// Takes the word that says what kind of thing a signature is, if it is next and no parenthesis makes it the
    /// thing's own name.
    mutating func take(keyword: String) -> Bool {
        let start = position
        if identifier() == keyword, peek != UInt8(ascii: "(") { return true }
        position = start
        return false
    }

    /// Everything must have been taken.
    mutating func requireEnd() throws(ABIError) {
        guard peek == nil else { throw expected("the end") }
    }

    /// The error for what is next, or was at `offset`, not being `what`.
    mutating func expected(_ what: String, at offset: Int? = nil) -> ABIError {
        .syntax(text: text, offset: offset ?? self.offset, expected: what)
    }

    private mutating func run(while belongs: (UInt8) -> Bool) -> String {
        let token = bytes[position...].prefix(while: belongs)
        position = token.endIndex
        return String(decoding: token, as: UTF8.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }

    private static func isLetter(_ byte: UInt8) -> Bool {
        0x41...0x5A ~= byte || 0x61...0x7A ~= byte || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$")
    }
}
