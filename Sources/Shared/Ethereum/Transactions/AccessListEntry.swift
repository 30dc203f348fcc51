package import JSON
package import Primitives

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
