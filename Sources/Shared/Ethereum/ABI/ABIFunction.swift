package import Primitives

/// What a function may do to the chain's state, as its interface says.
package enum StateMutability: String, Sendable {
    /// As Solidity's keyword of that name.
    case pure, view, nonpayable, payable
}

/// A function of a contract's interface.
package struct ABIFunction: Hashable, Sendable {
    /// Its name.
    package let name: String
    /// What it takes.
    package let inputs: [ABIParameter]
    /// What it returns; nil where a short signature does not say.
    package let outputs: [ABIParameter]?
    /// What it may do to the state; nil where a signature does not say.
    package let mutability: StateMutability?
    /// The first four bytes of calldata.
    package let selector: Selector

    package init(
        name: String, inputs: [ABIParameter], outputs: [ABIParameter]? = nil, mutability: StateMutability? = nil
    ) {
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.mutability = mutability
        selector = Selector(signature: name + inputs.canonicalTypes)
    }

    /// The canonical signature: `transfer(address,uint256)`.
    package var signature: String { name + inputs.canonicalTypes }

    /// Calldata: the selector and the arguments.
    ///
    /// - Throws: ``ABIError`` where the arguments are none of the function.
    package func encodeCall(_ arguments: [ABIValue]) throws(ABIError) -> [UInt8] {
        selector.bytes + (try ABI.encode(arguments, as: inputs.map(\.type)))
    }

    /// The arguments in calldata.
    ///
    /// - Throws: ``ABIError``, among them ``ABIError/wrongSelector(signature:expected:actual:)`` for another
    ///   function's calldata.
    package func decodeCall(
        _ calldata: some Collection<UInt8>, layout: ABILayout = .strict
    ) throws(ABIError) -> [ABIValue] {
        let data = try selector.require(in: calldata, signature: signature)
        return try ABI.decode(data, as: inputs.map(\.type), layout: layout, place: "args")
    }

    /// The values that a call returned.
    ///
    /// - Throws: ``ABIError``, among them ``ABIError/unknownResult(signature:)`` where the signature has no returns.
    package func decodeResult(
        _ data: some Collection<UInt8>, layout: ABILayout = .strict
    ) throws(ABIError) -> [ABIValue] {
        guard let outputs else { throw .unknownResult(signature: signature) }
        return try ABI.decode(data, as: outputs.map(\.type), layout: layout, place: "result")
    }
}

extension Selector {
    /// The selector that data begins with.
    ///
    /// - Throws: ``ABIError/truncated(place:type:needed:available:)`` for fewer than four bytes.
    init(leading data: some Collection<UInt8>) throws(ABIError) {
        do { try self.init(data.prefix(Self.byteCount)) } catch {
            throw .truncated(place: "selector", type: "bytes4", needed: Self.byteCount, available: data.count)
        }
    }

    /// What follows the selector, which the data must begin with.
    ///
    /// - Throws: ``ABIError`` if the data is shorter than a selector, or begins with another one.
    func require<Data: Collection<UInt8>>(
        in data: Data, signature: String
    ) throws(ABIError) -> Data.SubSequence {
        let actual = try Selector(leading: data)
        guard actual == self else { throw .wrongSelector(signature: signature, expected: self, actual: actual) }
        return data.dropFirst(Self.byteCount)
    }
}

/// A contract's constructor.
package struct ABIConstructor: Hashable, Sendable {
    /// What it takes.
    package let inputs: [ABIParameter]
    /// What it may do to the state, `payable` or not; nil where a signature does not say.
    package let mutability: StateMutability?

    package init(inputs: [ABIParameter], mutability: StateMutability? = nil) {
        self.inputs = inputs
        self.mutability = mutability
    }

    /// What a transaction that creates the contract has as its data: the bytecode and the arguments.
    ///
    /// - Throws: ``ABIError`` where the arguments are none of the constructor.
    package func encodeDeployment(
        of bytecode: [UInt8], _ arguments: [ABIValue]
    ) throws(ABIError) -> [UInt8] {
        bytecode + (try ABI.encode(arguments, as: inputs.map(\.type)))
    }
}
