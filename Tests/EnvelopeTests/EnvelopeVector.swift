import Envelope
import JSON
import Primitives
import Secp256k1
import SecretMemory
import TestVectors
import Testing

/// A signed message that eth-account made.
struct EnvelopeVector {
    let secret: [UInt8]
    let header: EnvelopeHeader
    let payload: [UInt8]
    let digest: Bytes32
    let envelope: [UInt8]

    init(_ json: JSONObject) throws {
        secret = try json.bytes("secret_key")
        header = try EnvelopeHeader(
            chainId: UInt64(quantity: json.string("chain_id")), bridge: Address(json.string("bridge")),
            from: Bytes32(json.bytes("from_member")), to: Bytes32(json.bytes("to_member")),
            messageId: Bytes32(json.bytes("message_id")))
        payload = try json.bytes("payload")
        digest = try Bytes32(json.bytes("digest"))
        envelope = try json.bytes("envelope")
    }

    static func all() throws -> [EnvelopeVector] {
        try TestVectors.load("envelope.json", member: "vectors").map(EnvelopeVector.init)
    }

    /// The first one: a short payload.
    static func first() throws -> EnvelopeVector { try #require(all().first) }

    func key() throws -> SecretKey { try SecretKey(SecretBytes(copying: secret)) }

    /// The bytes of an envelope that the key signs, whomever its header names.
    static func wrap(_ payload: [UInt8], _ header: EnvelopeHeader, _ key: borrowing SecretKey) -> [UInt8] {
        copy(Envelope.wrap(payload.span, header, signedWith: key))
    }

    /// What an envelope says; nil for a plain message.
    static func read(_ bytes: [UInt8]) throws(EnvelopeError) -> Contents? {
        guard let envelope = try Envelope.parse(SecretBytes(copying: bytes)) else { return nil }
        let header = envelope.header
        return Contents(header: header, payload: copy(envelope.takePayload()))
    }

    struct Contents: Equatable {
        let header: EnvelopeHeader
        let payload: [UInt8]
    }

    private static func copy(_ bytes: borrowing SecretBytes) -> [UInt8] {
        bytes.withBytes { span in span.indices.map { span[$0] } }
    }
}

extension EnvelopeHeader {
    /// The header with some of its parts changed.
    func with(
        chainId: UInt64? = nil, bridge: Address? = nil, from: Bytes32? = nil, to: Bytes32? = nil,
        messageId: Bytes32? = nil
    ) -> EnvelopeHeader {
        EnvelopeHeader(
            chainId: chainId ?? self.chainId, bridge: bridge ?? self.bridge, from: from ?? self.from,
            to: to ?? self.to, messageId: messageId ?? self.messageId)
    }
}
