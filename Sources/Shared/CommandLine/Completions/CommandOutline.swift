package import JSON

/// A program's commands, options and arguments, as its option parser lists them.
package struct CommandOutline: Sendable {
    /// The program's or the command's name.
    let name: String
    /// What it is for, in one line.
    let summary: String
    /// The commands below it.
    let commands: [CommandOutline]
    /// Its options and flags.
    let options: [ArgumentOutline]
    /// Its arguments, in their order.
    let positionals: [ArgumentOutline]

    /// - Parameter dump: what a program prints for `--experimental-dump-help`.
    /// - Throws: `JSONError` if it is not that.
    package init(dump: String) throws(JSONError) {
        guard let object = try JSONParser.parse(dump).object else { throw JSONError.notAnObject(line: 1) }
        try self.init(object.object("command"))
    }

    private init(_ object: JSONObject) throws(JSONError) {
        name = try object.string("commandName")
        summary = try object.optionalString("abstract") ?? ""
        let commands = try Self.objects("subcommands", in: object).map { each throws(JSONError) in
            try CommandOutline(each)
        }
        // The parser lists its help command for programs that have no others, and then no such command.
        self.commands = commands.map(\.name) == ["help"] ? [] : commands
        let arguments = try Self.objects("arguments", in: object).filter { $0["shouldDisplay"]?.bool != false }
            .map { each throws(JSONError) in try ArgumentOutline(each) }
        options = arguments.filter { $0.kind != .positional }
        positionals = arguments.filter { $0.kind == .positional }
    }

    /// The objects of an array; none where there is no such member.
    ///
    /// - Throws: `JSONError` if it is no array.
    static func objects(_ member: String, in object: JSONObject) throws(JSONError) -> [JSONObject] {
        object[member] == nil ? [] : try object.array(member).compactMap(\.object)
    }

    /// The option of a name, with its dashes.
    func option(_ name: some StringProtocol) -> ArgumentOutline? {
        options.first { $0.names.contains { $0 == name } }
    }
}

/// An option, a flag or an argument of a command.
package struct ArgumentOutline: Sendable {
    /// What follows it, or what it is.
    enum Kind: String { case positional, option, flag }

    let kind: Kind
    /// How it is written, with its dashes; none for an argument.
    let names: [String]
    /// What its value is called in the help.
    let valueName: String
    /// What it is for, in one line.
    let summary: String
    let isOptional: Bool
    let isRepeating: Bool
    /// The values that it may have, if the program lists them: one that ends in a colon or a slash begins a value.
    let values: [String]
    /// Whether the program works its values out when it is asked.
    package let computesValues: Bool

    /// How the help calls values that are files, or may be.
    private static let fileNames = [
        "artefact[:name]", "command", "file", "file[:name]", "input", "path", "socket", "word",
    ]

    /// Whether the value is a file's name.
    var isFile: Bool { values.isEmpty && !computesValues && Self.fileNames.contains(valueName) }

    /// - Throws: `JSONError` if it is no description of an argument.
    init(_ object: JSONObject) throws(JSONError) {
        guard let kind = Kind(rawValue: try object.string("kind")) else {
            throw object.illTyped("kind", expected: "a kind of argument")
        }
        self.kind = kind
        names = try CommandOutline.objects("names", in: object).map { name throws(JSONError) in
            try (name["kind"]?.string == "long" ? "--" : "-") + name.string("name")
        }
        valueName = try object.optionalString("valueName") ?? ""
        summary = try object.optionalString("abstract") ?? ""
        isOptional = object["isOptional"]?.bool == true
        isRepeating = object["isRepeating"]?.bool == true
        let completion = object["completionKind"]?.object
        values = completion?["list"]?.object?["values"]?.array?.compactMap(\.string) ?? []
        computesValues = completion?["custom"] != nil
    }
}
