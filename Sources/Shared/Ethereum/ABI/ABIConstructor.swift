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
