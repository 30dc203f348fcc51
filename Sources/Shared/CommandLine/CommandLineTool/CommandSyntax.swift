import ArgumentParser
import Failures
import JSON

/// What a command line may contain: a command's options, and the commands below it.
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

/// Why a command line cannot be understood, where the parser says less: it names what is missing before what is too much.
enum CommandLineFault: UserFacingError, Equatable {
    /// An option that the command does not have. `after` is the option before it, if that one wants a value;
    /// `near` are the options that may be meant; `below` is a command that has it.
    case unknownOption(String, of: String, after: String?, near: [String], below: String?)
    /// A number below zero among the words of a command, which is read as an option.
    case negativeNumber(String, of: String)
    /// A command that there is not; `near` are those that may be meant.
    case unknownCommand(String, of: String, near: [String])

    var kind: ErrorCategory { .badInput }

    var description: String {
        switch self {
        case .unknownOption(let option, _, _, _, _): "unknown option \(option.hidingKeys.quoted())"
        case .negativeNumber(let number, _):
            "\(number.hidingKeys.quoted()) is taken for an option, since it begins with -"
        case .unknownCommand(let word, _, _): "unknown command \(word.hidingKeys.quoted())"
        }
    }

    var hints: [String] {
        switch self {
        case .unknownOption(let option, let command, let after, let near, let below):
            (after.map { ["if it is the value of \($0), write \($0)=\(option.hidingKeys)"] } ?? [])
                + (below.map { ["put it after the command, as in \($0) \(option.hidingKeys)"] } ?? [])
                + String.asking(for: near) + ["\(command) --help lists the options"]
        case .negativeNumber(let number, let command):
            [
                "put -- before arguments that begin with -, and the options before the --: "
                    + "\(command) … -- \(number.hidingKeys)"
            ]
        case .unknownCommand(_, let command, let near):
            String.asking(for: near) + ["\(command) --help lists the commands"]
        }
    }
}

extension CommandSyntax {
    /// What a command line says, in so far as it can be understood.
    struct Reading {
        /// The command that it calls.
        var command: CommandSyntax
        /// The first option or command in it that there is not.
        var fault: CommandLineFault?

        /// The words that show what is allowed there.
        var help: String {
            "\(command.name) --help lists the \(command.commands.isEmpty ? "options" : "commands")"
        }
    }

    /// Reads the words after the program's name.
    func read(_ words: some Sequence<String>) -> Reading {
        var reading = Reading(command: self)
        // The option before, if it takes a value.
        var option: (name: String, operand: Operand)?
        for word in words {
            let last = option
            option = nil
            if last?.operand == .anyWord { continue }
            if word == "--" { break }
            if word.hasPrefix("-"), word != "-" {
                guard let operand = reading.command.operand(of: word) else {
                    reading.fault = reading.command.unknownOption(word, after: last?.name)
                    break
                }
                if operand != .none { option = (word, operand) }
            } else if last == nil, !reading.command.commands.isEmpty {
                guard let next = reading.command.commands.first(where: { $0.name == word }) else {
                    reading.fault = reading.command.unknownCommand(word)
                    break
                }
                reading.command = next.syntax
            }
        }
        return reading
    }

    private func unknownCommand(_ word: String) -> CommandLineFault {
        .unknownCommand(word, of: name, near: word.nearest(in: commands.map(\.name)))
    }

    private func unknownOption(_ word: String, after last: String?) -> CommandLineFault {
        let option = String(word.prefix { $0 != "=" })
        if last == nil, takesWords, option.dropFirst().first?.isNumber == true {
            return .negativeNumber(option, of: name)
        }
        let below = commands.first { $0.syntax.options[option] != nil }?.syntax.name
        let long = options.keys.filter { $0.hasPrefix("--") && !Self.isHidden($0) }.sorted()
        let near = option.nearest(in: long)
        let kin = long.filter { $0.isKin(of: option) || option.isKin(of: $0) }
        return .unknownOption(option, of: name, after: last, near: near.isEmpty ? kin : near, below: below)
    }
}

extension String {
    /// Whether an option's name is another's with words before it or behind: `--private-key` is `--key`'s.
    fileprivate func isKin(of other: String) -> Bool {
        hasPrefix("--") && other.hasPrefix("--") && (hasPrefix(other + "-") || hasSuffix(other.dropFirst()))
    }
}
