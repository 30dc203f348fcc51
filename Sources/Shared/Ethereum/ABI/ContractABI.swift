package import JSON
import Primitives

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
