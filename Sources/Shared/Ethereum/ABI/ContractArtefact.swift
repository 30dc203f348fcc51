import Failures
package import JSON
import Primitives

/// A contract in a document of a compiler, a framework or an explorer.
///
/// Its interface and its bytecode are read when they are asked for: what is wrong with one contract of a build does not
/// keep the others from being used.
package struct ContractArtefact: Sendable {
    /// The contract's name, if the document has it.
    package let name: String?
    /// The path of its source, if the document has it.
    package let source: String?
    private let abi: JSONValue?
    /// The object that has the bytecode.
    private let object: JSONObject

    private init(name: String? = nil, source: String? = nil, abi: JSONValue?, in object: JSONObject) {
        self.name = name == "" ? nil : name
        self.source = source
        self.abi = abi
        self.object = object
    }

    /// A contract under a key that names it: `src/Token.sol:Token`, `src/Token.vy` or `Token`.
    private init(key: String, _ object: JSONObject) {
        if let colon = key.lastIndex(of: ":") {
            self.init(
                name: String(key[colon...].dropFirst()), source: String(key[..<colon]), abi: object["abi"], in: object)
        } else {
            let file = key.split(separator: "/").last ?? ""
            let name = file.prefix { $0 != "." }
            self.init(name: String(name), source: name == key ? nil : key, abi: object["abi"], in: object)
        }
    }

    /// The artefact of one contract, as frameworks write it, or the output that its metadata has.
    private init(artefact object: JSONObject, metadata: JSONObject?) {
        let target = metadata?["settings"]?.object?["compilationTarget"]?.object?.members.first
        self.init(
            name: object["contractName"]?.string ?? target?.value.string,
            source: object["sourceName"]?.string ?? target?.name, abi: object["abi"], in: object)
    }

    /// Its name with its source: `src/Token.sol:Token`.
    fileprivate var fullName: String? { name.map { name in source.map { "\($0):\(name)" } ?? name } }
}

extension ContractArtefact {
    /// The contracts of a document: JSON, as ``list(in:)-(JSONValue)`` has it, or definitions as a contract's source has
    /// them, one a line, with comments behind `//`.
    ///
    /// - Throws: ``ABIError``.
    package static func list(in document: [UInt8]) throws(ABIError) -> [ContractArtefact] {
        guard let first = document.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) else { throw .noContract }
        if "[{\"".utf8.contains(first) { return try list(in: parse(document)) }
        let limit = ABIDefinition.textLimit
        guard document.count <= limit else { throw .definitionsTooLong(limit: limit) }
        let lines = String(decoding: document, as: UTF8.self).split(whereSeparator: \.isNewline).map { line in
            line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line
        }
        let definitions = lines.filter { !$0.allSatisfy(\.isWhitespace) }.map { JSONValue.string(String($0)) }
        return try list(in: .array(definitions))
    }

    /// The contracts of a JSON document: an ABI; the artefact of a framework or of solc's `--abi --bin`; the metadata of
    /// a contract; what solc and vyper print as combined or standard JSON, and a framework's record of that; or an
    /// explorer's answer to `getabi` or `getsourcecode`. An ABI is an array of entries, definitions among them.
    ///
    /// - Throws: ``ABIError``.
    package static func list(in json: JSONValue) throws(ABIError) -> [ContractArtefact] {
        switch json {
        case .array: return [ContractArtefact(abi: json, in: JSONObject(members: []))]
        // Each document inside another's text is less than half as long.
        case .string(let text): return try list(in: Array(text.utf8))
        case .object(let object): return try list(in: object, metadata: object["metadata"]?.object)
        case .null, .bool, .number: throw .json(.notAnObject(line: 1))
        }
    }

    private static func list(
        in object: JSONObject, metadata: JSONObject?
    ) throws(ABIError) -> [ContractArtefact] {
        if object["abi"] != nil { return [ContractArtefact(artefact: object, metadata: metadata)] }
        if let output = object["output"]?.object { return try list(in: output, metadata: object) }
        if let result = object["result"], let status = object["status"] {
            return try list(inAnswer: object, result, isGood: status.string == "1")
        }
        if let error = (object["errors"]?.array ?? []).compactMap(\.object).first(where: \.isError) {
            throw .noInterface(text: error["message"]?.string ?? "")
        }
        if let contracts = object["contracts"]?.object { return try list(inBuild: contracts) }
        let contracts = object.members.compactMap { key, value in
            value.object.flatMap { $0["abi"] == nil ? nil : ContractArtefact(key: key, $0) }
        }
        guard !contracts.isEmpty else { throw .json(.missingMember(line: object.line, member: object.path + "abi")) }
        return contracts
    }

    /// An explorer's answer. It has a sentence in place of what it does not have.
    private static func list(
        inAnswer object: JSONObject, _ result: JSONValue, isGood: Bool
    ) throws(ABIError) -> [ContractArtefact] {
        guard isGood else { throw .noInterface(text: result.string ?? object["message"]?.string ?? "") }
        let contracts = (result.array ?? []).compactMap(\.object).filter { $0["ABI"] != nil }
        guard contracts.isEmpty else {
            return contracts.map { ContractArtefact(name: $0["ContractName"]?.string, abi: $0["ABI"], in: $0) }
        }
        return [ContractArtefact(abi: result, in: object)]
    }

    /// The contracts of a build: each under its full name, or all those of a source under its path.
    private static func list(inBuild contracts: JSONObject) throws(ABIError) -> [ContractArtefact] {
        var list: [ContractArtefact] = []
        for (key, value) in contracts.members {
            guard let object = value.object else { throw .json(contracts.illTyped(key, expected: "an object")) }
            // In a build of sources these would be the names of contracts, which are objects.
            guard [object["abi"], object["bin"]].allSatisfy({ $0 == nil || $0?.object != nil }) else {
                list.append(ContractArtefact(key: key, object))
                continue
            }
            for (name, value) in object.members {
                guard let contract = value.object else { throw .json(object.illTyped(name, expected: "an object")) }
                list.append(ContractArtefact(name: name, source: key, abi: contract["abi"], in: contract))
            }
        }
        return list
    }

    private static func parse(_ text: [UInt8]) throws(ABIError) -> JSONValue {
        do { return try JSONParser.parse(text) } catch { throw .json(error) }
    }
}

extension [ContractArtefact] {
    /// The contract of a name, which may have its source before it, as `src/Token.sol:Token` or the end of that; the
    /// only contract for no name.
    ///
    /// - Throws: ``ABIError/noContract``, ``ABIError/severalContracts(_:)`` or ``ABIError/unknownContract(name:known:)``.
    package func contract(named name: String?) throws(ABIError) -> ContractArtefact {
        guard !isEmpty else { throw .noContract }
        var found = self
        if let name {
            found = filter { $0.fullName == name }
            if found.isEmpty { found = filter { $0.isCalled(name) } }
        }
        if let contract = found.first, found.count == 1 { return contract }
        guard let name, found.isEmpty else { throw .severalContracts(found.names) }
        throw .unknownContract(name: name, known: names)
    }

    /// The names of the contracts, with their sources where two have the same name.
    private var names: [String] {
        let counts = compactMap(\.name).reduce(into: [:]) { counts, name in counts[name, default: 0] += 1 }
        return compactMap { contract in contract.name.flatMap { counts[$0] == 1 ? $0 : contract.fullName } }
    }
}

extension ContractArtefact {
    fileprivate func isCalled(_ name: String) -> Bool {
        self.name == name || (name.contains(":") && fullName?.hasSuffix("/" + name) ?? false)
    }

    /// The contract's interface.
    ///
    /// - Throws: ``ABIError``.
    package func interface() throws(ABIError) -> ContractABI {
        guard var abi else { throw .json(.missingMember(line: object.line, member: object.path + "abi")) }
        if let text = abi.string {
            guard text.first(where: { !$0.isWhitespace }) == "[" else { throw .noInterface(text: text) }
            abi = try Self.parse(Array(text.utf8))
        }
        guard let entries = abi.array else { throw .json(object.illTyped("abi", expected: "an array")) }
        return ContractABI(try ABIDefinition.list(entries))
    }

    /// The bytecode that creates the contract.
    ///
    /// - Throws: ``ABIError/json(_:)``, ``ABIError/noBytecode``, ``ABIError/unlinkedBytecode(libraries:)`` or
    ///   ``ABIError/badBytecode(_:)``.
    package func bytecode() throws(ABIError) -> [UInt8] {
        let (text, references) = try object.read { json throws(JSONError) in try Self.bytecode(in: json) }
        guard !text.contains("__") else {
            let libraries = (references?.members ?? []).flatMap { source, value in
                (value.object?.members ?? []).map { "\(source):\($0.name)" }
            }
            throw .unlinkedBytecode(libraries: libraries.isEmpty ? Self.placeholders(in: text) : libraries)
        }
        let bytecode: [UInt8]
        do { bytecode = try Hex.decode(text, prefix: .optional) } catch { throw .badBytecode(error) }
        // Interfaces and abstract contracts may have the member, but nothing to create.
        guard !bytecode.isEmpty else { throw .noBytecode }
        return bytecode
    }

    /// The bytecode as text, and the places in it that are for libraries' addresses.
    private static func bytecode(in object: JSONObject) throws(JSONError) -> (text: String, references: JSONObject?) {
        for holder in [object, object["evm"]?.object].compactMap(\.self) {
            for member in ["bytecode", "bin"] where holder[member] != nil {
                guard let bytecode = holder[member]?.object else {
                    return (try holder.string(member), holder["linkReferences"]?.object)
                }
                return (try bytecode.string("object"), bytecode["linkReferences"]?.object)
            }
        }
        return ("", nil)
    }

    /// What stands in bytecode in place of a library's address, each once: the library's name, or a hash of it.
    private static func placeholders(in text: String) -> [String] {
        var placeholders: [String] = []
        var rest = text[...]
        while let start = rest.firstRange(of: "__")?.lowerBound, placeholders.count < 100 {
            let placeholder = rest[start...].prefix(40)
            let name = placeholder.trimmingUnderscores
            if !placeholders.contains(name) { placeholders.append(name) }
            rest = rest[placeholder.endIndex...]
        }
        return placeholders
    }
}

extension JSONObject {
    /// Whether this is what a compiler says about a source that it did not compile.
    fileprivate var isError: Bool { self["severity"] == .string("error") }
}

extension Substring {
    fileprivate var trimmingUnderscores: String {
        let start = drop { $0 == "_" }
        return String(start.prefix(start.count - start.reversed().prefix { $0 == "_" }.count))
    }
}
