package import JSON
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

/// An account whose storage a transaction pays for in advance (EIP-2930).
package struct AccessListEntry: Equatable, Sendable {
    /// The account.
    package let address: Address
    /// The words of its storage.
    package let storageKeys: [Bytes32]

    package init(address: Address, storageKeys: [Bytes32]) {
        (self.address, self.storageKeys) = (address, storageKeys)
    }

    /// `{"address":"0x…","storageKeys":["0x…"]}`, as JSON-RPC has it.
    package var json: JSONValue {
        .members([
            "address": .string(address.checksummed), "storageKeys": .array(storageKeys.map { .string($0.hex) }),
        ])
    }

    /// Reads the member `accessList` of a request.
    ///
    /// - Throws: `JSONError` if it is another shape.
    static func list(_ values: [JSONValue], in request: JSONObject) throws(JSONError) -> [AccessListEntry] {
        let expected = "an array of objects with address and storageKeys"
        return try values.map { value throws(JSONError) in
            guard let object = value.object else { throw request.illTyped("accessList", expected: expected) }
            try object.allow(["address", "storageKeys"])
            let keys = try object.array("storageKeys").map { key throws(JSONError) in
                guard let text = key.string, let word = try? Bytes32(hex: text) else {
                    throw object.illTyped("storageKeys", expected: "an array of 32 bytes of hex")
                }
                return word
            }
            return AccessListEntry(
                address: try object.parsed("address", as: "an address", Address.init), storageKeys: keys)
        }
    }

    var rlp: RLP { .list([.string(address.bytes), .list(storageKeys.map { .string($0.bytes) })]) }

    /// - Throws: ``RLPError`` if it is another shape.
    init(_ rlp: RLP) throws(RLPError) {
        let fields = try rlp.list(count: 2)
        let account = try fields[0].string()
        guard account.count == Address.byteCount else { throw .wrongShape(expected: "an address") }
        address = Address(checked: account)
        storageKeys = try fields[1].list().map { key throws(RLPError) in
            guard let word = try? Bytes32(key.string()) else { throw .wrongShape(expected: "32 bytes") }
            return word
        }
    }
}
