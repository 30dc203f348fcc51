import Console
import Envelope
import JSON
import Primitives
import Secp256k1

/// Somebody to seal to, as the user says it: a member, a key, or both.
struct Recipient {
    /// The member's id; nil if it is not to stand in the message's document.
    let id: Bytes32?
    /// The key; nil where the bridge knows it.
    let key: PublicKey?
}

extension Recipient {
    /// The most recipients that a file may have.
    private static let limit = 100_000
    /// The most bytes that one of them may have, or an array of them.
    private static let byteLimit = 64 << 20

    /// The recipients in a file, in its order.
    ///
    /// - Throws: ``ConsoleError``, ``JSONError``, ``SealError``.
    static func read(_ path: String, voice: Voice) throws -> [Recipient] {
        let input = try Input(path: path, awaited: "recipients", voice: voice)
        var recipients: [Recipient] = []
        try input.forEachObject(limit: byteLimit, parse: Recipient.init(json:)) {
            guard recipients.count < limit else { throw SealError.tooManyRecipients(limit: limit) }
            recipients.append($0)
        }
        return recipients
    }

    /// - Parameter json: `{"member_id":"0x…","pubkey":"0x…"}`, of which one may be absent; other members are
    ///   ignored, so that a proof names a recipient as well.
    /// - Throws: ``JSONError``; ``SealError/foreignKey(line:member:)`` for a key that is not the member's.
    init(json: JSONObject) throws {
        let named = try json.optionalParsed("member_id", as: "a member id, 32 bytes of hex") {
            text throws(PrimitiveError) in try Bytes32(hex: text)
        }
        key = try json.optionalParsed("pubkey", as: "a public key") { text in
            try PublicKey(Hex.decode(text, prefix: .optional))
        }
        id = named ?? key?.memberId
        guard let id else { throw JSONError.missingMember(line: json.line, member: "member_id") }
        if let key, key.memberId != id { throw SealError.foreignKey(line: json.line, member: id) }
    }
}

/// Somebody to seal to, whose key is known.
struct Member {
    /// The id that stands in the message's document, if one does.
    let id: Bytes32?
    /// The key.
    let key: PublicKey
}
