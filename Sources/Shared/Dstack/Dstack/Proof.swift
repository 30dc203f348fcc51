package import Failures
package import JSON
package import Primitives
package import Secp256k1

/// The proof with which a CVM becomes a member of the TEEBridge: a signature by its derived key over a fixed message,
/// and the chain of signatures from that key up to a KMS root.
///
/// A value of this type holds: every signature was checked, and every member is recomputed. It does not prove that
/// the KMS root is one to trust, nor when it was made.
package struct Proof: Equatable, Sendable {
    /// The text whose hash every proof signs.
    package static let message = "tee-bridge-register"
    /// The purpose that the derived key must have.
    package static let purpose = "ethereum"
    /// The path of the derived key.
    package static let path = "/bridge"
    /// Keccak-256 of ``message``.
    package static let messageHash = Keccak256.hash(Array(message.utf8))

    /// The signature over the message, by the derived key, as a wallet signs (EIP-191).
    package let messageSignature: RecoverableSignature
    /// The chain from the derived key to the KMS root.
    package let chain: SignatureChain

    /// - Throws: ``ProofError/wrongMessageSigner(expected:recovered:)`` unless the derived key signed the message,
    ///   ``ProofError/invalidSignature(member:_:)``.
    package init(messageSignature: RecoverableSignature, chain: SignatureChain) throws(ProofError) {
        let signer = try SignatureChain.signer(
            of: Self.messagePrehash, messageSignature, member: "message_signature")
        guard signer == chain.derivedKey else {
            throw .wrongMessageSigner(expected: chain.derivedKey.address, recovered: signer.address)
        }
        guard chain.purpose == Self.purpose else { throw .wrongPurpose(actual: chain.purpose) }
        self.messageSignature = messageSignature
        self.chain = chain
    }

    /// Makes the proof with the derived key itself: what a CVM does.
    ///
    /// - Throws: ``ProofError`` where the chain is not that of the key.
    package init(signedBy key: borrowing SecretKey, chain: SignatureChain) throws(ProofError) {
        try self.init(messageSignature: key.sign(prehash: Self.messagePrehash), chain: chain)
    }

    /// What the derived key signs: Keccak-256 of the EIP-191 prefix for 32 bytes and ``messageHash``.
    package static let messagePrehash = Keccak256.hash(
        Array("\u{19}Ethereum Signed Message:\n32".utf8) + messageHash.bytes)

    /// The member that the proof makes: Keccak-256 of the derived key's 33 bytes.
    package var memberId: Bytes32 { Keccak256.hash(chain.derivedKey.compressed) }

    /// The code that the contract allow-lists: the app id and 12 zero bytes.
    package var codeId: Bytes32 { Bytes32(checked: chain.appId.bytes + [UInt8](repeating: 0, count: 12)) }

    /// The address of the KMS root that the signatures lead to.
    package var kmsRoot: Address { chain.kmsRoot.address }
}

extension Proof {
    /// Reads a proof document and checks all of it: the signatures, and every member against what they say.
    ///
    /// `member_id`, `app_id` and `derived_address` may be absent, unknown members are ignored. `kms_root` may not:
    /// any `kms_signature` recovers some root, and only the document's own word tells that a bit of it was lost.
    /// - Throws: ``ProofError``.
    package init(json: JSONObject) throws(ProofError) {
        let fields: Fields
        do throws(JSONError) { fields = try Fields(json) } catch { throw .malformed(error) }
        guard !fields.kmsSignature.isEmpty else { throw .notKMSIssued }
        guard fields.messageHash == Self.messageHash else { throw .wrongMessage(actual: fields.messageHash) }
        guard fields.purpose == Self.purpose else { throw .wrongPurpose(actual: fields.purpose) }
        let appId = Address(checked: Array(fields.codeId.bytes.prefix(Address.byteCount)))
        guard fields.codeId.bytes.suffix(12).allSatisfy({ $0 == 0 }) else { throw .unpaddedCodeId(fields.codeId) }

        let derivedKey = try Self.key(fields.derivedKey, member: "derived_compressed_pubkey")
        let appKey = try Self.key(fields.appKey, member: "app_compressed_pubkey")
        let chain = try SignatureChain(
            appId: appId, purpose: fields.purpose, derivedKey: derivedKey,
            appSignature: Self.signature(fields.appSignature, member: "app_signature"),
            kmsSignature: Self.signature(fields.kmsSignature, member: "kms_signature"))
        guard chain.appKey == appKey else {
            let isV1 = [fields.purpose, Self.path].contains { domain in
                let prehash = SignatureChain.v1AppPrehash(domain: domain, derivedKey: derivedKey)
                return (try? chain.appSignature.recover(prehash: prehash)) == appKey
            }
            throw isV1 ? .guestAPIv1 : .wrongAppKey(expected: appKey, recovered: chain.appKey)
        }
        try self.init(
            messageSignature: Self.signature(fields.messageSignature, member: "message_signature"), chain: chain)
        try checkClaims(of: json)
    }

    /// The proof document in a JSON value: the value itself or, as servers wrap it in `{"proof":{…}}`, `{"data":{…}}` or
    /// an array of one, the only value directly inside it that looks like one.
    ///
    /// - Returns: nil if there is none, or a choice.
    package static func document(in value: JSONValue) -> JSONObject? {
        func looksLikeProof(_ object: JSONObject) -> Bool { object["dstack_proof"] != nil || object["code_id"] != nil }
        if let object = value.object, looksLikeProof(object) { return object }
        let inner = value.object?.members.map(\.value) ?? value.array.flatMap { $0.count == 1 ? $0 : nil } ?? []
        let documents = inner.compactMap(\.object).filter(looksLikeProof)
        return documents.count == 1 ? documents.first : nil
    }

    private static func key(_ bytes: [UInt8], member: String) throws(ProofError) -> PublicKey {
        do throws(Secp256k1Error) { return try PublicKey(bytes) } catch {
            throw .invalidPublicKey(member: member, error)
        }
    }

    private static func signature(_ bytes: [UInt8], member: String) throws(ProofError) -> RecoverableSignature {
        do throws(Secp256k1Error) { return try RecoverableSignature(bytes) } catch {
            throw .invalidSignature(member: member, error)
        }
    }

    /// Compares what the document says of itself with what its signatures say; hex may be in either case.
    private func checkClaims(of json: JSONObject) throws(ProofError) {
        let facts = [
            ("kms_root", kmsRoot.checksummed), ("member_id", memberId.hex),
            ("app_id", Hex.encode(chain.appId.bytes, prefixed: false)),
            ("derived_address", chain.derivedKey.address.checksummed),
        ]
        for (member, actual) in facts {
            let claimed: String?
            do throws(JSONError) {
                claimed = try member == "kms_root" ? json.string(member) : json.optionalString(member)
            } catch { throw .malformed(error) }
            guard claimed == nil || claimed?.lowercased() == actual.lowercased() else {
                throw .contradiction(member: member, claimed: claimed ?? "", actual: actual)
            }
        }
    }

    /// The document, all of its members, in their order.
    package var json: JSONValue {
        .members([
            "code_id": .string(codeId.hex),
            "dstack_proof": .members([
                "message_hash": .string(Self.messageHash.hex),
                "message_signature": .string(messageSignature.walletBytes.hex),
                "app_signature": .string(chain.appSignature.bytes.hex),
                "kms_signature": .string(chain.kmsSignature.bytes.hex),
                "derived_compressed_pubkey": .string(chain.derivedKey.compressed.hex),
                "app_compressed_pubkey": .string(chain.appKey.compressed.hex),
                "purpose": .string(chain.purpose),
            ]),
            "kms_root": .string(kmsRoot.checksummed),
            "member_id": .string(memberId.hex),
            "app_id": .string(Hex.encode(chain.appId.bytes, prefixed: false)),
            "derived_address": .string(chain.derivedKey.address.checksummed),
        ])
    }
}

/// The bytes of a document, of the right lengths, not yet checked against each other.
private struct Fields {
    let codeId: Bytes32
    let messageHash: Bytes32
    let messageSignature: [UInt8]
    let appSignature: [UInt8]
    /// Empty where the app has no KMS.
    let kmsSignature: [UInt8]
    let derivedKey: [UInt8]
    let appKey: [UInt8]
    let purpose: String

    init(_ json: JSONObject) throws(JSONError) {
        codeId = try json.parsed("code_id", as: "32 bytes of hex", Self.word)
        let proof = try json.object("dstack_proof")
        messageHash = try proof.parsed("message_hash", as: "32 bytes of hex", Self.word)
        messageSignature = try Self.bytes(of: proof, "message_signature", count: 65)
        appSignature = try Self.bytes(of: proof, "app_signature", count: 65)
        kmsSignature =
            try ["", "0x"].contains(proof.string("kms_signature"))
            ? [] : Self.bytes(of: proof, "kms_signature", count: 65)
        derivedKey = try Self.bytes(of: proof, "derived_compressed_pubkey", count: 33)
        appKey = try Self.bytes(of: proof, "app_compressed_pubkey", count: 33)
        purpose = try proof.string("purpose")
    }

    private static func word(_ text: String) throws(PrimitiveError) -> Bytes32 { try Bytes32(hex: text) }

    private static func bytes(of json: JSONObject, _ member: String, count: Int) throws(JSONError) -> [UInt8] {
        try json.parsed(member, as: "\(count) bytes of hex") { text throws(PrimitiveError) in
            let bytes = try Hex.decode(text)
            guard bytes.count == count else { throw .wrongLength(expected: count, actual: bytes.count) }
            return bytes
        }
    }
}

/// Why a proof document is invalid.
package enum ProofError: UserFacingError, Equatable {
    /// Not a proof document: a member is missing or ill-typed.
    case malformed(JSONError)
    /// A signature of the chain is no signature.
    case invalidSignature(member: String, Secp256k1Error)
    /// A public key of the chain is no key.
    case invalidPublicKey(member: String, Secp256k1Error)
    /// The message was not signed by the derived key.
    case wrongMessageSigner(expected: Address, recovered: Address)
    /// The derived key was not signed by the app key that the document names.
    case wrongAppKey(expected: PublicKey, recovered: PublicKey)
    /// The derived key is one of the v1 API of the guest agent.
    case guestAPIv1
    /// The message is not the one that registers.
    case wrongMessage(actual: Bytes32)
    /// The chain was made for another purpose.
    case wrongPurpose(actual: String)
    /// The code id is not the 20 bytes of the app id and 12 zero bytes.
    case unpaddedCodeId(Bytes32)
    /// What the document says of itself is not what its signatures say.
    case contradiction(member: String, claimed: String, actual: String)
    /// The app's keys do not come from a KMS: the second link of the chain is empty.
    case notKMSIssued

    package var kind: ErrorCategory {
        if case .malformed = self { .badInput } else { .negativeResult }
    }

    package var description: String {
        switch self {
        case .malformed(let error): error.description
        case .invalidSignature(let member, let error): "\(member): \(error)"
        case .invalidPublicKey(let member, let error): "\(member): \(error)"
        case .wrongMessageSigner(let expected, let recovered):
            "message_signature is by \(recovered), not by the derived key's address \(expected)"
        case .wrongAppKey(let expected, let recovered):
            "app_signature is by the key \(recovered), not by app_compressed_pubkey \(expected)"
        case .guestAPIv1:
            "app_signature is one of the guest agent's v1 API, whose keys the contract does not accept"
        case .wrongMessage(let actual):
            "message_hash is \(actual), not the hash of \(Proof.message.quoted())"
        case .wrongPurpose(let actual):
            "the proof was made for the purpose \(actual.quoted()), not for \(Proof.purpose.quoted())"
        case .unpaddedCodeId(let codeId): "code_id \(codeId) is not an app id followed by 12 zero bytes"
        case .contradiction(let member, let claimed, let actual):
            "\(member) is \(claimed.quoted()), but the signatures say \(actual)"
        case .notKMSIssued: "the app's keys do not come from a KMS: kms_signature is empty"
        }
    }

    package var hints: [String] {
        switch self {
        case .wrongPurpose: ["the CVM must ask its guest agent for the key with purpose \(Proof.purpose.quoted())"]
        case .wrongAppKey:
            ["the key was derived for a purpose other than the one in the proof, or the proof was altered in transit"]
        case .guestAPIv1: ["the CVM must ask its guest agent for the key with GetKey outside of /v1"]
        case .wrongMessage, .wrongMessageSigner: ["the proof is of something else, or was altered in transit"]
        case .malformed, .invalidSignature, .invalidPublicKey, .contradiction, .unpaddedCodeId:
            ["the proof was altered in transit: fetch it from the CVM again"]
        case .notKMSIssued: ["deploy the app with a KMS as its key provider"]
        }
    }
}
