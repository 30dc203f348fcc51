/// How a text that should be UTF-8 is encoded, by its first bytes.
///
/// RFC 8259 lets readers of JSON pass over a byte order mark; the programs do so with every text that they read.
package enum TextEncoding {
    /// UTF-8, as far as the first bytes show.
    case utf8
    /// UTF-8 after a byte order mark of three bytes, which is not part of the text.
    case markedUTF8
    /// UTF-16, with a byte order mark or without, as some systems redirect the output of programs into files.
    case utf16

    /// How many bytes decide.
    package static let leadingByteCount = 3

    /// - Parameter bytes: the first bytes of the text, at least three if it has so many.
    package init(leading bytes: Span<UInt8>) {
        func begins(with mark: [UInt8]) -> Bool {
            bytes.count >= mark.count && mark.indices.allSatisfy { bytes[$0] == mark[$0] }
        }
        if begins(with: [0xEF, 0xBB, 0xBF]) {
            self = .markedUTF8
        } else if begins(with: [0xFF, 0xFE]) || begins(with: [0xFE, 0xFF]) {
            self = .utf16
        } else if bytes.count >= 2, min(bytes[0], bytes[1]) == 0, 0x20...0x7E ~= max(bytes[0], bytes[1]) {
            // An ASCII character of two bytes.
            self = .utf16
        } else {
            self = .utf8
        }
    }
}
