package import Primitives

/// A transaction to be sent: the document that abi-encode prints and tx-send reads.
///
///     {"label":"registerDstack","to":"0x…","data":"0x…","value":"0x0",
///      "unless":{"to":"0x…","data":"0x…","equals":"0x…"}}
package struct TransactionRequest: Equatable, Sendable {
    /// What the transaction is, for people.
    package var label: String?
    /// The account called; nil creates a contract.
    package var to: Address?
    /// The call's data, or the new contract's init code.
    package var data: [UInt8]
    /// What is sent along, in wei.
    package var value: UInt256
    /// A call whose answer makes the transaction needless.
    package var unless: Precondition?
    /// The chain that it is for, where the request says so.
    package var chainId: UInt64?
    /// The nonce to use.
    package var nonce: UInt64?
    /// The gas limit to use.
    package var gas: UInt64?
    /// The most that a unit of gas may cost, in wei.
    package var maxFeePerGas: UInt256?
    /// The tip for each unit of gas, in wei.
    package var maxPriorityFeePerGas: UInt256?
    /// The account that must sign it; whichever signs, if nil.
    package var from: Address?
    /// What is read and written anyway, and paid for in advance (EIP-2930).
    package var accessList: [AccessListEntry] = []
    /// The request's name in a journal.
    package var id: String?

    /// A call (eth_call) with the answer that makes a request needless.
    package struct Precondition: Equatable, Sendable {
        /// The contract asked.
        package let to: Address
        /// The call's data.
        package let data: [UInt8]
        /// The answer, all of its bytes, that means: nothing to do.
        package let equals: [UInt8]

        package init(to: Address, data: [UInt8], equals: [UInt8]) {
            self.to = to
            self.data = data
            self.equals = equals
        }
    }

    package init(
        label: String?, to: Address?, data: [UInt8], value: UInt256 = 0, unless: Precondition? = nil
    ) {
        self.label = label
        self.to = to
        self.data = data
        self.value = value
        self.unless = unless
    }
}
