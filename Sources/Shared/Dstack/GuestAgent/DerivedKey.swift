package import JSON
package import Primitives
package import SecretMemory

/// A key that the agent derived for the app, and the signatures that vouch for it.
package struct DerivedKey: ~Copyable {
    private let secret: SecretBytes
    private let appLink: [UInt8]
    private let kmsLink: [UInt8]
    private let agent: String

    init(secret: consuming SecretBytes, appLink: [UInt8], kmsLink: [UInt8], agent: String) {
        self.secret = secret
        self.appLink = appLink
        self.kmsLink = kmsLink
        self.agent = agent
    }

    /// Whether the app's key was issued by a KMS; without one there is no ``signatureChain``.
    package var isKMSIssued: Bool { !kmsLink.isEmpty }

    /// Two signatures of 65 bytes, each r, s and v (0 or 1): the app key's over the purpose and the derived public
    /// key, and the KMS root's over the app's id and the app's public key.
    ///
    /// Nothing of them has been checked but their lengths.
    /// - Throws: ``GuestAgentError/notKMSIssued(agent:)``.
    package var signatureChain: [[UInt8]] {
        get throws(GuestAgentError) {
            guard isKMSIssued else { throw .notKMSIssued(agent: agent) }
            return [appLink, kmsLink]
        }
    }

    /// The 32 bytes of the key: a secp256k1 scalar.
    package consuming func takeSecret() -> SecretBytes { secret }
}

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

    /// - Throws: `JSONError` for a member that is absent or ill-typed. Unknown members are no error.
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

/// Takes the key out of an answer to GetKey before the answer is parsed as JSON, whose strings cannot be wiped.
enum KeyFieldScanner {
    /// The value of the first member `key` that is 32 bytes of hex; its digits become zeros in `body`.
    ///
    /// - Returns: nil where there is none, or one that is otherwise; `body` is as it was then.
    static func take(from body: inout [UInt8]) -> SecretBytes? {
        guard let digits = digits(in: body) else { return nil }
        defer { for index in digits { body[index] = UInt8(ascii: "0") } }
        return SecretBytes(count: 32) { target in
            for (offset, index) in zip(target.indices, stride(from: digits.lowerBound, to: digits.upperBound, by: 2)) {
                let high = Hex.value(of: body[index]) ?? 0
                let low = Hex.value(of: body[index + 1]) ?? 0
                target[offset] = high << 4 | low
            }
        }
    }

    /// Where the key's 64 digits are: after `"key"`, a colon, a quote and 0x or nothing, before a quote.
    private static func digits(in body: [UInt8]) -> Range<Int>? {
        let name = Array("\"key\"".utf8)
        guard let found = body.firstRange(of: name) else { return nil }
        var rest = skippingSpace(body[found.upperBound...])
        guard rest.popFirst() == UInt8(ascii: ":") else { return nil }
        rest = skippingSpace(rest)
        guard rest.popFirst() == UInt8(ascii: "\"") else { return nil }
        if rest.starts(with: "0x".utf8) { rest = rest.dropFirst(2) }
        let digits = rest.prefix { Hex.value(of: $0) != nil }
        guard digits.count == 64, rest.dropFirst(64).first == UInt8(ascii: "\"") else { return nil }
        return digits.startIndex..<digits.endIndex
    }

    private static func skippingSpace(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        bytes.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
    }
}
