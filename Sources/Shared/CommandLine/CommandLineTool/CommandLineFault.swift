import Failures

/// Why a command line cannot be understood, where the parser says less: it names what is missing before what is too much.
enum CommandLineFault: Failure, Equatable {
    /// An option that the command does not have. `after` is the option before it, if that one wants a value;
    /// `near` are the options that may be meant; `below` is a command that has it.
    case unknownOption(String, of: String, after: String?, near: [String], below: String?)
    /// A number below zero among the words of a command, which is read as an option.
    case negativeNumber(String, of: String)
    /// A command that there is not; `near` are those that may be meant.
    case unknownCommand(String, of: String, near: [String])

    var kind: FailureKind { .badInput }

    var description: String {
        switch self {
        case .unknownOption(let option, _, _, _, _): "unknown option \(option.hidingKeys.quoted())"
        case .negativeNumber(let number, _):
            "\(number.hidingKeys.quoted()) is read as an option, since it begins with -"
        case .unknownCommand(let word, _, _): "unknown command \(word.hidingKeys.quoted())"
        }
    }

    var hints: [String] {
        switch self {
        case .unknownOption(let option, let command, let after, let near, let below):
            (after.map { ["if it is the value of \($0), write \($0)=\(option.hidingKeys)"] } ?? [])
                + (below.map { ["write it behind the command, as in \($0) \(option.hidingKeys)"] } ?? [])
                + String.asking(for: near) + ["\(command) --help lists the options"]
        case .negativeNumber(let number, let command):
            [
                "put -- in front of words that begin with -, and the options before that: "
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

        /// The words that show what may stand there.
        var help: String {
            "\(command.name) --help lists the \(command.commands.isEmpty ? "options" : "commands")"
        }
    }

    /// Reads the words behind the program's name.
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
