package import Primitives

/// A contract's interface.
package struct ContractABI: Hashable, Sendable {
    /// The functions, overloads among them.
    package let functions: [ABIFunction]
    /// The events.
    package let events: [ABIEvent]
    /// The custom errors.
    package private(set) var reverts: [ABIRevert]
    /// The entries that cannot be used; whoever looks for one of them learns why.
    package let unusable: [UnusableEntry]
    private let declaredConstructor: ABIConstructor?

    /// The functions, events and errors among definitions.
    package init(_ definitions: [ABIDefinition]) {
        functions = definitions.compactMap { if case .function(let function) = $0 { function } else { nil } }
        events = definitions.compactMap { if case .event(let event) = $0 { event } else { nil } }
        reverts = definitions.compactMap { if case .revert(let revert) = $0 { revert } else { nil } }
        unusable = definitions.compactMap { if case .unusable(let entry) = $0 { entry } else { nil } }
        let constructors = definitions.compactMap { definition -> ABIConstructor? in
            if case .constructor(let constructor) = definition { constructor } else { nil }
        }
        declaredConstructor = constructors.first
    }

    /// The constructor; one without parameters where the interface has none.
    ///
    /// - Throws: ``ABIError/unusable(_:)``.
    package var constructor: ABIConstructor {
        get throws(ABIError) {
            if let entry = unusable.first(where: { $0.item == .constructor }) { throw .unusable(entry) }
            return declaredConstructor ?? ABIConstructor(inputs: [])
        }
    }

    /// The interface with more errors.
    package func adding(_ reverts: [ABIRevert]) -> ContractABI {
        var interface = self
        interface.reverts += reverts
        return interface
    }
}

// Where the interface has one definition alone, data that is not of it is refused by that definition, which says more.
extension ContractABI {
    /// The function that calldata calls, by its selector, and the arguments.
    ///
    /// - Throws: ``ABIError``, among them ``ABIError/unknownItem(item:name:known:unusable:)`` with the selector.
    package func decodeCall(
        _ calldata: some Collection<UInt8>, layout: ABILayout = .strict
    ) throws(ABIError) -> (function: ABIFunction, arguments: [ABIValue]) {
        let selector = try Selector(leading: calldata)
        let function = try item(
            functions.first { $0.selector == selector }, among: functions, .function, "selector", selector.hex
        ) { Selector(signature: $0) == selector }
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
        let error = try item(
            reverts.first { $0.selector == selector }, among: reverts, .error, "selector", selector.hex
        ) { Selector(signature: $0) == selector }
        return (error, try error.decode(data, layout: layout))
    }

    /// What a call that reverted says, with this contract's errors by name.
    package func decodeRevert(_ data: some Collection<UInt8>) -> RevertData { RevertData(data, declared: reverts) }

    /// The event that a log is of, by its first topic and the number of its topics, and its values.
    ///
    /// - Throws: ``ABIError``, among them ``ABIError/unknownItem(item:name:known:unusable:)`` with the topic, or ``ABIError/noTopics``.
    package func decodeLog(
        topics: [Bytes32], data: some Collection<UInt8>, layout: ABILayout = .strict
    ) throws(ABIError) -> (event: ABIEvent, values: [ABIEvent.Value]) {
        let candidates = events.filter { !$0.isAnonymous && $0.topic == topics.first }
        // Two events may differ in `indexed` alone, as the Transfer events of ERC-20 and ERC-721 do.
        let found = candidates.first { $0.topicCount == topics.count } ?? candidates.first
        // Only an anonymous event's log may have none.
        guard !topics.isEmpty || (events.count == 1 && entries(of: .event).isEmpty) else { throw .noTopics }
        let topic = topics.first ?? .zero
        let event = try item(found, among: events, .event, "topic", topic.hex) {
            Keccak256.hash(Array($0.utf8)) == topic
        }
        return (event, try event.decodeLog(topics: topics, data: data, layout: layout))
    }

    /// The item that data is of, or the only one that there is, which then refuses the data and says why.
    ///
    /// - Parameters:
    ///   - found: the item whose key the data has.
    ///   - key: what data is looked up by, and `value` what that is here.
    ///   - matches: whether a signature has this key.
    /// - Throws: ``ABIError/unusable(_:)`` or ``ABIError/unknownItem(item:name:known:unusable:)``.
    private func item<Item>(
        _ found: Item?, among items: [Item], _ kind: UnusableEntry.Item, _ key: String, _ value: String,
        matches: (String) -> Bool
    ) throws(ABIError) -> Item {
        if let found { return found }
        let entries = entries(of: kind)
        if let entry = entries.first(where: { $0.signature.map(matches) ?? false }) { throw .unusable(entry) }
        guard items.count == 1, entries.isEmpty, let item = items.first else {
            throw .unknownItem(item: "\(kind.rawValue) with the \(key)", name: value, unusable: entries)
        }
        return item
    }

    /// The entries that cannot be used and may be of this kind.
    private func entries(of kind: UnusableEntry.Item) -> [UnusableEntry] {
        unusable.filter { $0.item == kind || $0.item == .entry }
    }
}

extension ContractABI {
    /// The function of a name, or of a signature such as `transfer(address,uint)` where the name has overloads.
    ///
    /// - Throws: as ``functions(named:)``, and ``ABIError/ambiguousName(name:signatures:)``.
    package func function(_ name: String) throws(ABIError) -> ABIFunction {
        let found = try functions(named: name)
        let signatures =
            found.map(\.signature)
            + unusable.filter { $0.item == .function && $0.name == name }.map { $0.signature ?? $0.title }
        // What versions of a contract return differs, but not the call.
        guard let function = found.first, Set(signatures).count == 1 else {
            throw .ambiguousName(name: name, signatures: signatures)
        }
        return function
    }

    /// The functions of a name or a signature, at least one.
    ///
    /// - Throws: ``ABIError/unknownItem(item:name:known:unusable:)``, ``ABIError/unusable(_:)``, or what is wrong with
    ///   the signature.
    package func functions(named name: String) throws(ABIError) -> [ABIFunction] {
        try find(name, in: functions, .function, \.name, \.signature) { text throws(ABIError) in try ABIFunction(text) }
    }

    /// The events of a name or a signature, at least one; the signature needs no `indexed`.
    ///
    /// - Throws: as ``functions(named:)``.
    package func events(named name: String) throws(ABIError) -> [ABIEvent] {
        try find(name, in: events, .event, \.name, \.signature) { text throws(ABIError) in try ABIEvent(text) }
    }

    /// The custom errors of a name or a signature, at least one.
    ///
    /// - Throws: as ``functions(named:)``.
    package func reverts(named name: String) throws(ABIError) -> [ABIRevert] {
        try find(name, in: reverts, .error, \.name, \.signature) { text throws(ABIError) in try ABIRevert(text) }
    }

    private func find<Item>(
        _ name: String, in items: [Item], _ kind: UnusableEntry.Item,
        _ nameOf: (Item) -> String, _ signatureOf: (Item) -> String, parse: (String) throws(ABIError) -> Item
    ) throws(ABIError) -> [Item] {
        let entries = entries(of: kind)
        if let entry = entries.first(where: { $0.signature == name }) { throw .unusable(entry) }
        let signature = name.contains("(") ? signatureOf(try parse(name)) : nil
        let found = items.filter { signature == nil ? nameOf($0) == name : signatureOf($0) == signature }
        guard found.isEmpty else { return found }
        // Where the types are wrong, the name may still be right.
        let bare = String((signature ?? name).prefix { $0 != "(" })
        let overloads = items.filter { nameOf($0) == bare }.map(signatureOf)
        if overloads.isEmpty, let entry = entries.first(where: { $0.name == bare }) { throw .unusable(entry) }
        throw .unknownItem(
            item: kind.rawValue, name: name,
            known: overloads.isEmpty ? Set(items.map(nameOf)).sorted() : overloads, unusable: entries)
    }
}
