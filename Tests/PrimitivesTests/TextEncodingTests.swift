import Primitives
import Testing

@Suite struct TextEncodingTests {
    private func encoding(_ bytes: [UInt8]) -> TextEncoding { TextEncoding(leading: bytes.span) }

    @Test(arguments: ["", "{", "{}", "0x", "é", "\u{FFFE}", "\u{1}\u{0}", "\u{0}\u{0}", "\u{0}\u{1}"])
    func `a text that begins with no mark is taken for UTF-8`(text: String) {
        #expect(encoding(Array(text.utf8)) == .utf8)
    }

    @Test(arguments: ["", "{}", "0x"])
    func `a byte order mark is no part of the text`(text: String) {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        #expect(encoding(mark + text.utf8) == .markedUTF8)
        for count in 0..<mark.count { #expect(encoding(Array(mark.prefix(count))) == .utf8) }
    }

    @Test(arguments: ["{", "[", "0x", "\"", " ", "7f", "~"])
    func `UTF-16 is recognised in both orders, with and without a mark`(text: String) {
        for isMarked in [true, false] {
            let words = (isMarked ? [0xFEFF] : []) + Array(text.utf16)
            #expect(encoding(words.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }) == .utf16)
            #expect(encoding(words.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }) == .utf16)
        }
    }
}
