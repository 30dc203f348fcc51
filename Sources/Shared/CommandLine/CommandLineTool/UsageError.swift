import ArgumentParser
import Failures

/// A command line that the parser does not understand: in its words, and in this package's form.
struct UsageError: UserFacingError {
    let description: String
    let hints: [String]
    var kind: ErrorCategory { .badInput }

    /// - Parameters:
    ///   - error: what the parser threw.
    ///   - words: the words behind the program's name.
    init(_ error: any Error, in program: any ParsableCommand.Type, words: some Sequence<String>) {
        var command = program
        var path = program._commandName
        var message = program.message(for: error)
        for word in words {
            let commands = command.configuration.subcommands
            guard let next = commands.first(where: { $0._commandName == word }) else {
                // The parser would rather blame an option behind it, which the command that is meant may have.
                if !commands.isEmpty, !word.hasPrefix("-") { message = "unknown command '\(word)'" }
                break
            }
            command = next
            path += " \(word)"
        }
        let parts = message.hidingKeys.split(separator: ". Did you mean ")
        let text = parts.first ?? ""
        description = text.prefix(1).lowercased() + text.dropFirst().dropLast(text.hasSuffix(".") ? 1 : 0)
        let isNumber = text.hasPrefix("Unknown option '-") && text.dropFirst(17).first?.isNumber == true
        hints =
            (isNumber
                ? ["put -- in front of words that begin with -, and the options before that"]
                : parts.dropFirst().map { "did you mean \($0)" }) + Self.hints(in: error)
            + ["\(path) --help lists the \(command.configuration.subcommands.isEmpty ? "options" : "commands")"]
    }

    /// The hints of what an option's reading or a `validate()` threw: the parser's error has it inside, and gives out
    /// no more of it than the description.
    private static func hints(in value: Any) -> [String] {
        if let failure = value as? any UserFacingError { return failure.hints }
        return Mirror(reflecting: value).children.lazy.map { hints(in: $0.value) }.first { !$0.isEmpty } ?? []
    }
}
