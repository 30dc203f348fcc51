import Completions
import JSON
import Testing

/// A program with a command, options of all kinds, and arguments.
private let outline = """
    {"serializationVersion": 0, "command": {"commandName": "sample", "abstract": "Do.",
      "arguments": [
        {"kind": "option", "shouldDisplay": true, "isRepeating": true, "valueName": "source", "abstract": "A key.",
         "names": [{"kind": "long", "name": "key"}],
         "completionKind": {"list": {"values": ["file:", "env:", "all"]}}},
        {"kind": "option", "shouldDisplay": true, "valueName": "file", "names": [{"kind": "long", "name": "state"}]},
        {"kind": "flag", "shouldDisplay": true, "names": [
          {"kind": "short", "name": "v"}, {"kind": "long", "name": "verbose"}]},
        {"kind": "flag", "shouldDisplay": false, "names": [{"kind": "long", "name": "hidden"}]}],
      "subcommands": [
        {"commandName": "decode", "abstract": "Decode.", "arguments": [
          {"kind": "positional", "shouldDisplay": true, "isOptional": true, "valueName": "signature",
           "completionKind": {"custom": {}}},
          {"kind": "positional", "shouldDisplay": true, "isOptional": true, "valueName": "input"},
          {"kind": "option", "shouldDisplay": true, "valueName": "n", "names": [{"kind": "long", "name": "number"}]}]},
        {"commandName": "read", "abstract": "Read.", "arguments": [
          {"kind": "positional", "shouldDisplay": true, "isRepeating": true, "valueName": "file"}]}]}}
    """

@Suite struct CompletionTests {
    /// What is printed for words, without what they are for.
    private func lines(_ words: [String]) throws -> [String] {
        try CommandOutline(dump: outline).completion(of: words) { path, argument in
            path == ["decode"] && argument == "positional@0" ? ["isMember", "owner"] : []
        }.lines.map { line in String(line.hasPrefix("files") ? line[...] : line.prefix { $0 != "\t" }) }
    }

    @Test(arguments: [
        ([""], ["", "decode", "read"]),
        (["re"], ["", "read"]),
        (["--"], ["", "--key", "--state", "--verbose"]),
        (["-"], ["", "--key", "--state", "--verbose"]),
        (["--verbose", "--st"], ["", "--state"]),
        (["-v", "--"], ["", "--key", "--state"]),
        (["--state=x", "--key", "all", "--"], ["", "--key", "--verbose"]),
        (["--key", ""], ["", "file:", "env:", "all"]),
        (["--key", "e"], ["", "env:"]),
        (["--key=e"], ["", "--key=env:"]),
        (["--key", "file:"], ["files\tfile:"]),
        (["--key", "file:a/b"], ["files\tfile:"]),
        (["--key=file:a"], ["files\t--key=file:"]),
        (["--key", "file:~/a"], [""]),
        (["--state", "~/a"], ["files\t"]),
        (["--state=~/a"], [""]),
        (["--state", "--ke"], ["files\t"]),
        (["--unknown=x"], [""]),
        (["--state", "x", "read", "a", "b", ""], ["files\t"]),
        (["read", "--", "-x"], ["files\t"]),
        (["decode", ""], ["files\t", "isMember", "owner"]),
        (["decode", "o"], ["files\t", "owner"]),
        (["decode", "owner", ""], ["files\t"]),
        (["decode", "owner", "0x", ""], ["", "--number"]),
        (["decode", "--number", ""], [""]),
        (["unknown", "--k"], ["", "--key"]),
        ([], ["", "decode", "read"]),
    ])
    func `a word is completed by what stands before it`(words: [String], expected: [String]) throws {
        #expect(try lines(words) == expected)
    }

    @Test func `a suggestion says what it is for`() throws {
        let completion = try CommandOutline(dump: outline).completion(of: ["dec"]) { _, _ in [] }
        #expect(completion.lines == ["", "decode\tDecode."])
    }

    @Test func `a text that describes no command is refused`() {
        for text in ["", "[]", "{}", #"{"command": {}}"#, #"{"command": {"commandName": 1}}"#] {
            #expect(throws: JSONError.self) { _ = try CommandOutline(dump: text) }
        }
    }
}

@Suite struct CompletionScriptTests {
    @Test(
        arguments: [
            (["--generate-completion-script", "zsh"], nil, CompletionScript.zsh),
            (["--generate-completion-script=fish"], "/bin/bash", .fish),
            (["--generate-completion-script"], "/usr/bin/bash", .bash),
            (["-v", "--generate-completion-script", "bash"], nil, .bash),
            (["--generate-completion-script", "tcsh"], nil, nil),
            (["--generate-completion-script"], nil, nil),
            (["--help"], "/bin/bash", nil),
        ] as [([String], String?, CompletionScript?)])
    func `a shell is named, or that of SHELL is meant`(words: [String], shell: String?, expected: CompletionScript?) {
        #expect(CompletionScript(arguments: words, shell: shell) == expected)
    }

    @Test(arguments: [CompletionScript.bash, .zsh, .fish])
    func `a script is a program's own`(script: CompletionScript) {
        let text = script.text(for: "tx-send")
        #expect(text.contains("tx-send") && text.contains(Completion.request) && !text.contains("PROGRAM"))
    }
}
