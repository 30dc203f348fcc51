package import Primitives

/// A custom error that a contract declares, and may revert with: `error NotOwner()`.
package struct ABIRevert: Hashable, Sendable {
    /// Its name.
    package let name: String
    /// What it carries.
    package let inputs: [ABIParameter]

    package init(name: String, inputs: [ABIParameter]) {
        self.name = name
        self.inputs = inputs
    }

    /// The canonical signature: `NotOwner()`.
    package var signature: String { name + inputs.canonicalTypes }

    /// The first four bytes of revert data.
    package var selector: Selector { Selector(signature: signature) }

    /// Revert data: the selector and the values.
    package func encode(_ values: [ABIValue]) throws(ABIError) -> [UInt8] {
        selector.bytes + (try ABI.encode(values, as: inputs.map(\.type)))
    }

    /// The values in revert data.
    ///
    /// - Throws: ``ABIError``, among them ``ABIError/wrongSelector(signature:expected:actual:)``.
    package func decode(
        _ data: some Collection<UInt8>, layout: ABILayout = .strict
    ) throws(ABIError) -> [ABIValue] {
        let values = try selector.require(in: data, signature: signature)
        return try ABI.decode(values, as: inputs.map(\.type), layout: layout, place: "error")
    }

    /// `Error(string)`, which `require` and `revert` with a text make.
    package static let message = ABIRevert(name: "Error", inputs: [ABIParameter(.string, name: "message")])

    /// `Panic(uint256)`, which the compiler's own checks make.
    package static let panic = ABIRevert(name: "Panic", inputs: [ABIParameter(.uint(.word), name: "code")])
}
