import ArgumentParser
import JSON

/// What may stand on a command line: a command's options, and the commands below it.
struct CommandSyntax {
    /// The words that call it: `abi-encode decode log`.
    let name: String
    /// The options, by their names with the dashes, and what they take.
    let options: [String: Operand]
    /// Whether it takes words besides its options.
    let takesWords: Bool
    /// The commands below it, by their names.
    let commands: [(name: String, syntax: CommandSyntax)]

    /// What follows an option.
    enum Operand {
        /// Nothing: it is a flag.
        case none
        /// A word, unless it looks like another option.
        case value
        /// The next word, whatever it is.
        case anyWord
    }

    /// That of a program, as the parser describes it; nil if it does so in a form that is not known here.
    init?(of program: any ParsableCommand.Type) {
        guard let description = try? JSONParser.parse(program._dumpHelp()), let root = description.object?["command"]
        else { return nil }
        self.init(root, below: nil)
    }

    private init?(_ json: JSONValue, below parent: String?) {
        guard let object = json.object, let word = object["commandName"]?.string else { return nil }
        let name = [parent, word].compactMap(\.self).joined(separator: " ")
        let arguments = object["arguments"]?.array?.compactMap(\.object) ?? []
        var options = Self.parsersOwn
        for argument in arguments {
            for name in argument["names"]?.array ?? [] { options[Self.dashed(name)] = Self.operand(of: argument) }
        }
        self.name = name
        self.options = options
        takesWords = arguments.contains { $0["kind"]?.string == "positional" }
        let commands = (object["subcommands"]?.array ?? []).compactMap { json -> (String, CommandSyntax)? in
            guard let word = json.object?["commandName"]?.string, let syntax = CommandSyntax(json, below: name) else {
                return nil
            }
            return (word, syntax)
        }
        // The parser describes its help below a program that has no commands, too.
        self.commands = commands.allSatisfy { $0.0 == "help" } ? [] : commands
    }

    /// What the parser takes everywhere and describes nowhere.
    private static let parsersOwn: [String: Operand] = [
        "--help-hidden": .none, "--generate-completion-script": .value, "--experimental-dump-help": .none,
    ]

    /// Whether no help lists an option.
    static func isHidden(_ option: String) -> Bool { parsersOwn[option] != nil }

    private static func dashed(_ name: JSONValue) -> String {
        (name.object?["kind"]?.string == "long" ? "--" : "-") + (name.object?["name"]?.string ?? "")
    }

    private static func operand(of argument: JSONObject) -> Operand {
        guard argument["kind"]?.string == "option" else { return .none }
        return argument["parsingStrategy"]?.string == "unconditional" ? .anyWord : .value
    }

    /// What a word that begins with a dash takes; nil if it is no option. Flags of one letter may share a dash.
    func operand(of word: some StringProtocol) -> Operand? {
        let name = word.prefix { $0 != "=" }
        if let operand = options[String(name)] { return name.endIndex == word.endIndex ? operand : Operand.none }
        let letters = name.dropFirst()
        guard !letters.hasPrefix("-"), letters.allSatisfy({ options["-\($0)"] != nil }) else { return nil }
        return Operand.none
    }
}
