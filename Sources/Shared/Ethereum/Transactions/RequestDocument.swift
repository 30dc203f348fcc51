package import JSON
import Primitives

// The document of a request: everything in it is carried out, or the request is refused. Quantities are 0x and hex digits, as
// JSON-RPC has them, or JSON numbers.

extension TransactionRequest {
    /// Reads a request.
    ///
    /// `input` may stand for `data`, and `gasLimit` for `gas`, as other tools write them.
    /// - Throws: `JSONError`; for a member that is not known too, and for one that would be sent as something else.
    ///   An object with neither `to` nor `data` is no request: it would create an empty contract.
    package init(json: JSONObject) throws(JSONError) {
        for (name, value) in json.members where !Self.members.contains(name) {
            guard let reason = Self.refusedMembers[name] else { throw json.unknownMember(name, among: Self.members) }
            guard value.isNull else { throw .refusedMember(line: json.line, member: json.path + name, reason: reason) }
        }
        if let type = json["type"], try json.quantity("type") != 2 {
            let shown = type.string ?? type.compact
            throw .refusedMember(
                line: json.line, member: json.path + "type", reason: "only type 0x2 is sent (EIP-1559), not \(shown)")
        }
        label = try json.optionalString("label")
        to = try json.optionalParsed("to", as: "an address", Address.init)
        data =
            try json.either("data", "input") { name throws(JSONError) in
                try json.optionalParsed(name, as: "hex", Self.bytes)
            } ?? []
        guard to != nil || !data.isEmpty else { throw .missingMember(line: json.line, member: json.path + "data") }
        value = try json.quantity("value") ?? 0
        from = try json.optionalParsed("from", as: "an address", Address.init)
        chainId = try json.smallQuantity("chainId")
        nonce = try json.smallQuantity("nonce")
        gas = try json.either("gas", "gasLimit", json.smallQuantity)
        maxFeePerGas = try json.quantity("maxFeePerGas")
        maxPriorityFeePerGas = try json.quantity("maxPriorityFeePerGas")
        if let list = json["accessList"], !list.isNull {
            accessList = try AccessListEntry.list(json.array("accessList"), in: json)
        }
        id = try json.optionalString("id")
        unless = json["unless"] == nil ? nil : try Precondition(json: json.object("unless"))
    }

    private static let members = [
        "label", "to", "data", "input", "value", "from", "chainId", "nonce", "gas", "gasLimit", "maxFeePerGas",
        "maxPriorityFeePerGas", "accessList", "type", "id", "unless",
    ]

    /// Members of other tools' documents, and why they are not taken; null stands for their absence.
    private static let refusedMembers: [String: String] = {
        let signed = "it belongs to a signed transaction, and tx-send signs: leave it out to send the same call anew"
        let mined = "it belongs to a transaction that is in a block already"
        var reasons = [
            "gasPrice": "transactions of type 2 have none: write maxFeePerGas, or leave it out",
            "transactions": "this is a batch: write its transactions one per line, as jq -c '.transactions[]' does",
            "maxFeePerBlobGas": "blob transactions are not sent",
            "blobVersionedHashes": "blob transactions are not sent",
            "authorizationList": "account authorizations (EIP-7702) are not sent",
        ]
        for name in ["hash", "r", "s", "v", "yParity", "raw", "rawTransaction", "sig", "signature"] {
            reasons[name] = signed
        }
        for name in ["blockHash", "blockNumber", "transactionIndex"] { reasons[name] = mined }
        return reasons
    }()

    fileprivate static func bytes(_ text: String) throws(PrimitiveError) -> [UInt8] { try Hex.decode(text) }

    /// The document, without members that are not set.
    package var json: JSONValue {
        .members([
            "label": label.map(JSONValue.string),
            "to": (to?.checksummed).map(JSONValue.string),
            "data": .string(data.hex),
            "value": .string(value.quantity),
            "from": (from?.checksummed).map(JSONValue.string),
            "chainId": (chainId?.quantity).map(JSONValue.string),
            "nonce": (nonce?.quantity).map(JSONValue.string),
            "gas": (gas?.quantity).map(JSONValue.string),
            "maxFeePerGas": (maxFeePerGas?.quantity).map(JSONValue.string),
            "maxPriorityFeePerGas": (maxPriorityFeePerGas?.quantity).map(JSONValue.string),
            "accessList": accessList.isEmpty ? nil : .array(accessList.map(\.json)),
            "id": id.map(JSONValue.string),
            "unless": unless?.json,
        ])
    }
}

extension TransactionRequest.Precondition {
    /// Reads the member `unless` of a request.
    ///
    /// - Throws: `JSONError` if a member is missing, malformed or not known.
    init(json: JSONObject) throws(JSONError) {
        try json.allow(["to", "data", "equals"])
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

extension JSONObject {
    /// A quantity that may be absent.
    fileprivate func quantity(_ name: String) throws(JSONError) -> UInt256? {
        guard case .number(let digits)? = self[name] else {
            return try optionalParsed(name, as: "a quantity", UInt256.init(quantity:))
        }
        let bytes = Array(digits.utf8)
        guard let number = UInt256(digits: bytes.span, radix: 10) else {
            throw illTyped(name, expected: "a whole number of at most 256 bits")
        }
        return number
    }

    /// A quantity of at most 64 bits that may be absent: 0x-hex, or a JSON number.
    ///
    /// - Throws: `JSONError` if it is neither, or larger.
    package func smallQuantity(_ name: String) throws(JSONError) -> UInt64? {
        guard let number = try quantity(name) else { return nil }
        guard let small = number.uint64 else { throw illTyped(name, expected: "a quantity of at most 64 bits") }
        return small
    }

    /// A member that has two names; both may stand there if they agree.
    fileprivate func either<Value: Equatable>(
        _ name: String, _ alias: String, _ read: (String) throws(JSONError) -> Value?
    ) throws(JSONError) -> Value? {
        let (value, other) = (try read(name), try read(alias))
        if let value, let other, value != other {
            throw .refusedMember(
                line: line, member: path + alias, reason: "it differs from \(name), which means the same")
        }
        return value ?? other
    }
}
