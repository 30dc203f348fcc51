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

    @Test(
        "a file's name is one word for a shell, and no option",
        arguments: [
            ("a/b-c.json", "a/b-c.json"), ("", "''"), ("o p", "'o p'"), ("c;id", "'c;id'"), ("it's", #"'it'\''s'"#),
            ("-k", "./-k"), ("- k", "'./- k'"), ("a\nb'\\", #"$'a\x0ab\x27\x5c'"#),
        ])
    func shellWord(name: String, word: String) { #expect(name.shellWord == word) }

    @Test(
        "a path behind a tilde is written with HOME, whatever is in it",
        arguments: [("~", "$HOME"), ("~/a", "$HOME/a"), ("~/x;id", #""$HOME"'/x;id'"#)])
    func tilde(path: String, word: String) { #expect(path.tildeHint?.hasSuffix("write \(word)") == true) }
}
