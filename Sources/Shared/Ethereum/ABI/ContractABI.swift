import Failures
package import JSON
package import Primitives

/// A contract's interface, and its bytecode where an artefact has it.
package struct ContractABI: Hashable, Sendable {
    /// The functions, overloads among them.
    package let functions: [ABIFunction]
    /// The events.
    package let events: [ABIEvent]
    /// The custom errors.
    package private(set) var reverts: [ABIRevert]
    /// The constructor; one without parameters where the interface has none.
    package let constructor: ABIConstructor

    /// The functions, events and errors among definitions.
    package init(_ definitions: [ABIDefinition]) {
        functions = definitions.compactMap { if case .function(let function) = $0 { function } else { nil } }
        events = definitions.compactMap { if case .event(let event) = $0 { event } else { nil } }
        reverts = definitions.compactMap { if case .revert(let revert) = $0 { revert } else { nil } }
        let constructors = definitions.compactMap { definition -> ABIConstructor? in
            if case .constructor(let constructor) = definition { constructor } else { nil }
        }
        constructor = constructors.first ?? ABIConstructor(inputs: [])
    }

    /// The interface with more errors.
    package func adding(_ reverts: [ABIRevert]) -> ContractABI {
        var interface = self
        interface.reverts += reverts
        return interface
    }

    /// An interface as compilers write it: an array of entries, or an artefact, the object that has it as `abi`.
    ///
    /// - Throws: ``ABIError/json(_:)``, which names the line and the member.
    package init(json: JSONValue) throws(ABIError) {
        do throws(JSONError) {
            let entries = if let entries = json.array { entries } else { try json.artefact().array("abi") }
            self.init(try entries.map { entry throws(JSONError) in try ABIDefinition(entry) })
        } catch { throw .json(error) }
    }

    /// The bytecode that creates an artefact's contract: its `bytecode`, or the `object` of that, in hex.
    ///
    /// - Throws: ``ABIError/json(_:)``, ``ABIError/noBytecode``, ``ABIError/unlinkedBytecode`` or
    ///   ``ABIError/badBytecode(_:)``.
    package static func bytecode(ofArtefact json: JSONValue) throws(ABIError) -> [UInt8] {
        let text = try Self.bytecodeText(ofArtefact: json)
        guard !text.contains("__") else { throw .unlinkedBytecode }
        let bytecode: [UInt8]
        do { bytecode = try Hex.decode(text, prefix: .optional) } catch { throw .badBytecode(error) }
        // Interfaces and abstract contracts may have the member, but nothing to create.
        guard !bytecode.isEmpty else { throw .noBytecode }
        return bytecode
    }

    private static func bytecodeText(ofArtefact json: JSONValue) throws(ABIError) -> String {
        do throws(JSONError) {
            let artefact = try json.artefact()
            guard let bytecode = artefact["bytecode"] else { return "" }
            guard let object = bytecode.object else { return try artefact.string("bytecode") }
            return try object.string("object")
        } catch { throw .json(error) }
    }
}

extension JSONValue {
    fileprivate func artefact() throws(JSONError) -> JSONObject {
        guard let object else { throw .notAnObject(line: 1) }
        return object
    }
}

// Where the interface has one definition alone, data that is not of it is refused by that definition, which says more.
extension ContractABI {
    /// The function that calldata calls, by its selector, and the arguments.
    ///
    /// - Throws: ``ABIError``, among them ``ABIError/unknownItem(item:name:known:)`` with the selector.
    package func decodeCall(
        _ calldata: some Collection<UInt8>, layout: ABILayout = .strict
    ) throws(ABIError) -> (function: ABIFunction, arguments: [ABIValue]) {
        let selector = try Selector(leading: calldata)
        guard let function = functions.first(where: { $0.selector == selector }) ?? functions.only else {
            throw .unknownItem(item: "function with the selector", name: selector.hex)
        }
        return (function, try function.decodeCall(calldata, layout: layout))
    }

    /// The values that a call returned, by the first function whose result they can be: versions of a contract may
    /// return other values for the same call.
    ///
    /// - Throws: ``ABIError``, that of the first function if the data is the result of none.
    package func decodeResult(
        _ data: some Collection<UInt8>, layout: ABILayout = .strict
    ) throws(ABIError) -> (function: ABIFunction, values: [ABIValue]) {
        for function in functions {
            guard let values = try? function.decodeResult(data, layout: layout) else { continue }
            return (function, values)
        }
        guard let function = functions.first else { throw .unknownItem(item: "function", name: "") }
        return (function, try function.decodeResult(data, layout: layout))
    }

    /// The error that revert data is of, by its selector, and its values.
    ///
    /// - Throws: as ``decodeCall(_:layout:)``.
    package func decodeError(
        _ data: some Collection<UInt8>, layout: ABILayout = .strict
    ) throws(ABIError) -> (error: ABIRevert, values: [ABIValue]) {
        let selector = try Selector(leading: data)
        guard let error = reverts.first(where: { $0.selector == selector }) ?? reverts.only else {
            throw .unknownItem(item: "error with the selector", name: selector.hex)
        }
        return (error, try error.decode(data, layout: layout))
    }

    /// What a call that reverted says, with this contract's errors by name.
    package func decodeRevert(_ data: some Collection<UInt8>) -> RevertData { RevertData(data, declared: reverts) }

    /// The event that a log is of, by its first topic and the number of its topics, and its values.
    ///
    /// - Throws: ``ABIError``, among them ``ABIError/unknownItem(item:name:known:)`` with the topic, or ``ABIError/noTopics``.
    package func decodeLog(
        topics: [Bytes32], data: some Collection<UInt8>, layout: ABILayout = .strict
    ) throws(ABIError) -> (event: ABIEvent, values: [ABIEvent.Value]) {
        let candidates = events.filter { !$0.isAnonymous && $0.topic == topics.first }
        // Two events may differ in `indexed` alone, as the Transfer events of ERC-20 and ERC-721 do.
        let event = candidates.first { $0.topicCount == topics.count } ?? candidates.first ?? events.only
        guard let event else {
            guard let topic = topics.first else { throw .noTopics }
            throw .unknownItem(item: "event with the topic", name: topic.hex)
        }
        return (event, try event.decodeLog(topics: topics, data: data, layout: layout))
    }
}

extension Array {
    /// The element of an array that has no other.
    fileprivate var only: Element? { count == 1 ? first : nil }
}

extension ContractABI {
    /// The function of a name, or of a signature such as `transfer(address,uint)` where the name has overloads.
    ///
    /// - Throws: as ``functions(named:)``, and ``ABIError/ambiguousName(name:signatures:)``.
    package func function(_ name: String) throws(ABIError) -> ABIFunction {
        let found = try functions(named: name)
        guard let function = found.first, found.count == 1 else {
            throw .ambiguousName(name: name, signatures: found.map(\.signature))
        }
        return function
    }

    /// The functions of a name or a signature, at least one.
    ///
    /// - Throws: ``ABIError/unknownItem(item:name:known:)``, or what is wrong with the signature.
    package func functions(named name: String) throws(ABIError) -> [ABIFunction] {
        let signature = name.contains("(") ? try ABIFunction(name).signature : nil
        return try Self.find(name, signature, in: functions, "function", \.name, \.signature)
    }

    /// The events of a name or a signature, at least one; the signature needs no `indexed`.
    ///
    /// - Throws: as ``functions(named:)``.
    package func events(named name: String) throws(ABIError) -> [ABIEvent] {
        let signature = name.contains("(") ? try ABIEvent(name).signature : nil
        return try Self.find(name, signature, in: events, "event", \.name, \.signature)
    }

    /// The custom errors of a name or a signature, at least one.
    ///
    /// - Throws: as ``functions(named:)``.
    package func reverts(named name: String) throws(ABIError) -> [ABIRevert] {
        let signature = name.contains("(") ? try ABIRevert(name).signature : nil
        return try Self.find(name, signature, in: reverts, "error", \.name, \.signature)
    }

    private static func find<Item>(
        _ name: String, _ signature: String?, in items: [Item], _ kind: String,
        _ nameOf: (Item) -> String, _ signatureOf: (Item) -> String
    ) throws(ABIError) -> [Item] {
        let found = items.filter { item in
            guard let signature else { return nameOf(item) == name }
            return signatureOf(item) == signature
        }
        guard found.isEmpty else { return found }
        // Where the types are wrong, the name may still be right.
        let bare = String((signature ?? name).prefix { $0 != "(" })
        let overloads = items.filter { nameOf($0) == bare }.map(signatureOf)
        throw .unknownItem(
            item: kind, name: name, known: overloads.isEmpty ? Set(items.map(nameOf)).sorted() : overloads)
    }
}
