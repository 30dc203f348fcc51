/// What may stand in the place of a word that is being typed.
package struct Completion: Equatable, Sendable {
    /// Whole words, each with what it is for; a word that ends in a colon, an equals sign or a slash goes on.
    package var suggestions: [Suggestion] = []
    /// The beginning of the word behind which a file's name belongs, if one does.
    package var fileStart: String?

    /// A word, and what it is for.
    package struct Suggestion: Equatable, Sendable {
        /// The word.
        package let word: String
        /// What it is for, in one line; may be empty.
        package let summary: String
    }

    /// The argument that has a program complete the words behind it, the last of which is being typed.
    package static let request = "---complete"

    /// What a program prints for the scripts of ``CompletionScript``: a line that is empty, or `files` and where they
    /// begin, then the suggestions with a tab before what they are for.
    package var lines: [String] {
        // A line end within a word could not be told from the end of one.
        [fileStart.map { "files\t\($0)" } ?? ""]
            + suggestions.map { "\($0.word)\t\($0.summary)" }.filter { !$0.utf8.contains(UInt8(ascii: "\n")) }
    }

    /// Sources of keys and tokens that are files.
    private static let fileSources = ["file:", "keystore:", "token-file:"]

    /// - Parameters:
    ///   - start: what of the word precedes the value: `--key=`, or nothing.
    ///   - typed: what of the value is there.
    fileprivate init(values: [String], isFile: Bool, after start: String, _ typed: String) {
        let source = values.first { Self.fileSources.contains($0) && typed.hasPrefix($0) }
        if isFile || source != nil {
            let path = typed.dropFirst(source?.count ?? 0)
            // A shell expands a tilde only where a word begins.
            if start.isEmpty && source == nil || !path.hasPrefix("~") { fileStart = start + (source ?? "") }
        }
        suggestions = values.filter { $0.hasPrefix(typed) && ($0 != typed || fileStart == nil) }
            .map { Suggestion(word: start + $0, summary: "") }
    }

    fileprivate init(_ suggestions: [Suggestion], _ typed: String) {
        self.suggestions = suggestions.filter { $0.word.hasPrefix(typed) }
    }

    fileprivate static func + (left: Completion, right: Completion) -> Completion {
        var sum = left
        sum.suggestions += right.suggestions
        sum.fileStart = left.fileStart ?? right.fileStart
        return sum
    }
}

extension CommandOutline {
    /// Values that a program works out: those of an option, or of the argument in a place, of the command at a path.
    package typealias ComputedValues = (_ path: [String], _ argument: String) -> [String]

    /// Completes the last of the words behind the program's name.
    ///
    /// - Parameter computed: gives the values of an argument that has ``ArgumentOutline/computesValues``, by an
    ///   option's name or `positional@` and its place.
    package func completion(of words: [String], computed: ComputedValues) -> Completion {
        let typed = words.last ?? ""
        let reading = read(words.dropLast())
        let command = reading.command
        func complete(_ argument: ArgumentOutline, _ name: String, after start: String = "", _ typed: String)
            -> Completion
        {
            let values = argument.computesValues ? computed(reading.path, name) : argument.values
            return Completion(values: values, isFile: argument.isFile, after: start, typed)
        }

        if let option = reading.openOption { return complete(option, option.names.first ?? "", typed) }
        if !reading.isTerminated, typed.hasPrefix("-") {
            guard let sign = typed.firstIndex(of: "=") else { return command.options(besides: reading.options, typed) }
            guard let option = command.option(typed[..<sign]), option.kind == .option else { return Completion([], "") }
            return complete(
                option, String(typed[..<sign]), after: String(typed[...sign]), String(typed[sign...].dropFirst()))
        }
        if reading.positionalCount == 0, !command.commands.isEmpty {
            return Completion(command.commands.map { .init(word: $0.name, summary: $0.summary) }, typed)
        }
        // An argument that can be left out leaves its place to the next.
        var completion = Completion([], "")
        for (place, argument) in command.positionals.enumerated().dropFirst(command.place(of: reading.positionalCount))
        {
            completion = completion + complete(argument, "positional@\(place)", typed)
            if !argument.isOptional || argument.isRepeating { break }
        }
        let isNothing = completion == Completion([], "") && typed.isEmpty && !reading.isTerminated
        return isNothing ? command.options(besides: reading.options, typed) : completion
    }

    /// What the words before the one that is being typed amount to.
    private struct Reading {
        var command: CommandOutline
        var path: [String] = []
        /// The options that were given.
        var options: Set<String> = []
        /// The option whose value comes next.
        var openOption: ArgumentOutline?
        var positionalCount = 0
        /// Whether `--` ended the options.
        var isTerminated = false
    }

    private func read(_ words: some Sequence<String>) -> Reading {
        var reading = Reading(command: self)
        for word in words {
            if reading.openOption != nil {
                reading.openOption = nil
            } else if !reading.isTerminated, word == "--" {
                reading.isTerminated = true
            } else if !reading.isTerminated, word.hasPrefix("-"), word != "-" {
                let name = word.prefix { $0 != "=" }
                reading.options.insert(String(name))
                if name == word, let option = reading.command.option(word), option.kind == .option {
                    reading.openOption = option
                }
            } else if reading.positionalCount == 0,
                let next = reading.command.commands.first(where: { $0.name == word })
            {
                reading.command = next
                reading.path.append(word)
            } else {
                reading.positionalCount += 1
            }
        }
        return reading
    }

    /// The place of the argument that comes after so many: the last may be repeated.
    private func place(of count: Int) -> Int {
        positionals.last?.isRepeating == true ? min(count, positionals.count - 1) : count
    }

    /// The options that may still be given: by their long names, unless a short one is being typed.
    private func options(besides given: Set<String>, _ typed: String) -> Completion {
        let rest = options.filter { $0.isRepeating || given.isDisjoint(with: $0.names) }
        return Completion(
            rest.flatMap { option in
                option.names.filter { $0.hasPrefix("--") || option.names.count == 1 }
                    .map { .init(word: $0, summary: option.summary) }
            }, typed)
    }
}
