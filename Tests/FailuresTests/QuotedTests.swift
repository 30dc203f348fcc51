import Failures
import Testing

@Suite struct QuotedTests {
    @Test func controlAndFormatCharactersAreEscaped() {
        #expect("a\u{1B}[31m\nb\u{202E}\u{9B}".quoted() == "\"a\\u{1b}[31m\\u{a}b\\u{202e}\\u{9b}\"")
    }

    @Test func aLongTextIsCutByItsScalars() {
        let text = "e" + String(repeating: "\u{301}", count: 100_000)
        #expect(text.count == 1)
        #expect(text.quoted(limit: 10).unicodeScalars.count == 13)
        #expect("abc".quoted(limit: 3) == "\"abc\"")
    }
}
