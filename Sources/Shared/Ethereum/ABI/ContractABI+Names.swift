import Failures

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
    /// - Throws: ``ABIError/unknownItem(item:name:near:)``, or what is wrong with the signature.
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
        let near = overloads.isEmpty ? bare.nearest(in: items.map(nameOf)) : overloads
        throw .unknownItem(item: kind, name: name, near: near)
    }
}
