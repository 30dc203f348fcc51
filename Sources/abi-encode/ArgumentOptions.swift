import ABI
import ArgumentParser
import Console
import JSON

/// The arguments of a function or a constructor: as words, by name, or in a JSON document.
struct ArgumentOptions: ParsableArguments {
    @Option(
        name: .customLong("arg"),
        help: ArgumentHelp("An argument by its name. Repeatable.", valueName: "name=value"),
        transform: NamedArgument.init)
    var named: [NamedArgument] = []

    @Option(
        name: .customLong("args-json"),
        help: ArgumentHelp("All arguments, as a JSON array, or an object by their names.", valueName: "file"))
    var file: String?

    @Argument(help: "The arguments in their order; write -- in front if one begins with -.")
    var arguments: [String] = []

    func validate() throws {
        guard [!named.isEmpty, file != nil, !arguments.isEmpty].count(where: \.self) <= 1 else {
            throw ValidationError("Give the arguments in one way alone: as words, by --arg, or by --args-json")
        }
    }

    /// The arguments as values of the parameters.
    ///
    /// - Parameter document: a file that was named besides, which cannot be standard input too.
    func values(of parameters: [ABIParameter], besides document: String?) throws -> [ABIValue] {
        guard let file else {
            guard named.isEmpty else { return try parameters.values(named: named.map { ($0.name, $0.word) }) }
            return try parameters.values(arguments: arguments)
        }
        guard file != "-" || document != "-" else { throw ConsoleError.inputTwice }
        return try parameters.values(json: readDocument(file, awaited: "arguments") { $0 })
    }
}

/// An argument as `--arg` has it.
struct NamedArgument {
    let name: String
    let word: String

    init(_ text: String) throws(ValidationError) {
        guard let sign = text.firstIndex(of: "="), sign != text.startIndex else {
            throw ValidationError("expected NAME=VALUE")
        }
        name = String(text[..<sign])
        word = String(text[sign...].dropFirst())
    }
}
