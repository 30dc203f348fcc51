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

extension TransactionRequest {
    /// Reads a request; unknown members are ignored.
    ///
    /// - Throws: `JSONError`. An object with neither `to` nor `data` is no request: it would create an empty
    ///   contract.
    package init(json: JSONObject) throws(JSONError) {
        label = try json.optionalString("label")
        to = try json.optionalParsed("to", as: "an address", Address.init)
        data = try json.optionalParsed("data", as: "hex", Self.bytes) ?? []
        guard to != nil || !data.isEmpty else { throw .missingMember(line: json.line, member: json.path + "data") }
        value = try json.optionalParsed("value", as: "a quantity", UInt256.init(quantity:)) ?? 0
        chainId = try json.optionalParsed("chainId", as: "a quantity", UInt64.init(quantity:))
        nonce = try json.optionalParsed("nonce", as: "a quantity", UInt64.init(quantity:))
        gas = try json.optionalParsed("gas", as: "a quantity", UInt64.init(quantity:))
        maxFeePerGas = try json.optionalParsed("maxFeePerGas", as: "a quantity", UInt256.init(quantity:))
        maxPriorityFeePerGas = try json.optionalParsed(
            "maxPriorityFeePerGas", as: "a quantity", UInt256.init(quantity:))
        id = try json.optionalString("id")
        unless = json["unless"] == nil ? nil : try Precondition(json: json.object("unless"))
    }

    fileprivate static func bytes(_ text: String) throws(PrimitiveError) -> [UInt8] { try Hex.decode(text) }

    /// The document, without members that are not set.
    package var json: JSONValue {
        .members([
            "label": label.map(JSONValue.string),
            "to": (to?.checksummed).map(JSONValue.string),
            "data": .string(data.hex),
            "value": .string(value.quantity),
            "chainId": (chainId?.quantity).map(JSONValue.string),
            "nonce": (nonce?.quantity).map(JSONValue.string),
            "gas": (gas?.quantity).map(JSONValue.string),
            "maxFeePerGas": (maxFeePerGas?.quantity).map(JSONValue.string),
            "maxPriorityFeePerGas": (maxPriorityFeePerGas?.quantity).map(JSONValue.string),
            "id": id.map(JSONValue.string),
            "unless": unless?.json,
        ])
    }
}

extension TransactionRequest.Precondition {
    /// Reads the member `unless` of a request.
    ///
    /// - Throws: `JSONError` if a member is missing or malformed.
    init(json: JSONObject) throws(JSONError) {
        to = try json.parsed("to", as: "an address", Address.init)
        data = try json.parsed("data", as: "hex", TransactionRequest.bytes)
        equals = try json.parsed("equals", as: "hex", TransactionRequest.bytes)
    }

    var json: JSONValue {
        .members([
            "to": .string(to.checksummed), "data": .string(data.hex), "equals": .string(equals.hex),
        ])
    }
}
