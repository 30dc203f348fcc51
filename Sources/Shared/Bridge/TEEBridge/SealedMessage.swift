package import JSON
package import Primitives

/// A sealed message on its way to a member: the document that ecies-seal prints and abi-encode onboard reads.
///
///     {"from_member":"0x…","to_member":"0x…","payload":"0x…"}
package struct SealedMessage: Equatable, Sendable {
    /// The claimed sender, if given.
    package let from: Bytes32?
    /// The member that it goes to, if that was given.
    package let to: Bytes32?
    /// The sealed bytes.
    package let payload: [UInt8]

    package init(from: Bytes32?, to: Bytes32?, payload: [UInt8]) {
        self.from = from
        self.to = to
        self.payload = payload
    }

    /// - Throws: `JSONError`; unknown members are ignored.
    package init(json: JSONObject) throws(JSONError) {
        from = try json.optionalParsed("from_member", as: "a member id, 32 bytes of hex", Self.memberId)
        to = try json.optionalParsed("to_member", as: "a member id, 32 bytes of hex", Self.memberId)
        payload = try json.parsed("payload", as: "hex") { text throws(PrimitiveError) in try Hex.decode(text) }
    }

    private static func memberId(_ text: String) throws(PrimitiveError) -> Bytes32 { try Bytes32(hex: text) }

    /// The document.
    package var json: JSONValue {
        .members([
            "from_member": (from?.hex).map(JSONValue.string), "to_member": (to?.hex).map(JSONValue.string),
            "payload": .string(payload.hex),
        ])
    }
}
