package import JSON
package import Primitives

/// What the agent says of the app that runs in its CVM.
package struct GuestInfo: Sendable, Equatable {
    /// The app's id: the address of its contract, or the first 20 bytes of its compose hash.
    package let appId: Address
    /// The app's name as its owner wrote it; may be empty.
    package let appName: String
    /// The hash of the compose file; nil from agents before 0.5.1, which do not tell.
    package let composeHash: Bytes32?
    /// The id of this CVM; no bytes where the app has none.
    package let instanceId: [UInt8]
    /// The whole answer.
    package let raw: JSONObject

    /// - Throws: ``JSONError`` for a member that is absent or ill-typed. Unknown members are no error.
    init(_ object: JSONObject) throws(JSONError) {
        appId = try object.parsed("app_id", as: "20 bytes of hex") { text throws(PrimitiveError) in
            try Address(hex: text, prefix: .optional)
        }
        appName = try object.optionalString("app_name") ?? ""
        composeHash =
            try object.optionalParsed("compose_hash", as: "32 bytes of hex") { text throws(PrimitiveError) in
                text.isEmpty ? nil : try Bytes32(hex: text, prefix: .optional)
            } ?? nil
        instanceId =
            try object.optionalParsed("instance_id", as: "hex") { text throws(PrimitiveError) in
                try Hex.decode(text, prefix: .optional)
            } ?? []
        raw = object
    }
}
