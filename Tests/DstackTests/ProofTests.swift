import Dstack
import JSON
import Primitives
import Secp256k1
import SecretMemory
import TestVectors
import Testing

@Suite struct ProofTests {
    static func documents() throws -> [JSONObject] {
        try TestVectors.load("dstack-chains.json", member: "proofs").map { try $0.object("proof") }
    }

    /// The document with the text of one member changed by `change`.
    static func changing(
        _ document: JSONObject, _ name: String, _ change: (String) throws -> String?
    ) rethrows -> JSONObject {
        JSONObject(
            members: try document.members.compactMap { member in
                if case .object(let inner) = member.value {
                    return (member.name, .object(try changing(inner, name, change)))
                }
                guard member.name == name, let text = member.value.string else { return member }
                return try change(text).map { (name, .string($0)) }
            })
    }

    @Test func publishedProofsHoldAndComeBack() throws {
        let documents = try Self.documents()
        #expect(documents.count == 2)
        for document in documents {
            #expect(try Proof(json: document).json == .object(document))
        }
    }

    @Test(
        "a document is found in itself, or once inside it",
        arguments: ["*", #"{"proof":*}"#, #"{"error":null,"data":*}"#, "[*]"])
    func aDocumentIsFound(form: String) throws {
        let document = try #require(Self.documents().first)
        let text = form.replacing("*", with: JSONValue.object(document).compact)
        #expect(try Proof.document(in: JSONParser.parse(Array(text.utf8))) == document)
    }

    @Test(
        "where there is none, or a choice, there is no document",
        arguments: [
            "{}", "[]", "null", "7", #"{"status":"ok"}"#, #"{"proof":null}"#, #"{"proof":{}}"#, "[*,*]", "[*,{}]",
            #"{"proof":*,"data":*}"#, #"{"data":{"proof":*}}"#, "[[*]]", #"{"data":[*]}"#, #"[{"proof":*}]"#,
        ])
    func noDocumentIsFound(form: String) throws {
        let document = try #require(Self.documents().first)
        let text = form.replacing("*", with: JSONValue.object(document).compact)
        #expect(try Proof.document(in: JSONParser.parse(Array(text.utf8))) == nil)
    }

    @Test func theMessageIsTheOneThatRegisters() {
        #expect(Proof.messageHash.hex == "0x658557b93730f50c62dc22caa8a52ea78fd00650ba2f89a302d77f255c9c89f7")
        #expect(Proof.messagePrehash.hex == "0x8005b6f30cac8d86548f70d39107c4e628825615bab281a0375b31634272bf6a")
    }

    @Test func aProofIsMadeFromTheDerivedKeyAndItsChain() throws {
        let document = try #require(Self.documents().first)
        let keys = try TestVectors.load("dstack-chains.json").object("keys")
        let key = try SecretKey(SecretBytes(copying: keys.bytes("derived")))
        let proof = try Proof(signedBy: key, chain: Proof(json: document).chain)
        #expect(proof.json == .object(document))
    }

    @Test(arguments: [
        "code_id", "message_hash", "message_signature", "app_signature", "kms_signature", "derived_compressed_pubkey",
        "app_compressed_pubkey", "kms_root", "member_id", "app_id", "derived_address",
    ])
    func aFlippedBitAnywhereIsRefused(_ member: String) throws {
        let document = try #require(Self.documents().first)
        let digits = try (document[member]?.string ?? document.object("dstack_proof").string(member)).utf8.count
        for offset in 0..<digits {
            let changed = Self.changing(document, member) { text in
                var bytes = Array(text.utf8)
                let digit = Hex.value(of: bytes[offset]) ?? 0
                bytes[offset] = Array(String(digit ^ 1, radix: 16).utf8)[0]
                return String(decoding: bytes, as: UTF8.self)
            }
            #expect(throws: ProofError.self, "digit \(offset)") { try Proof(json: changed) }
        }
    }

    @Test(arguments: ["member_id", "app_id", "derived_address"])
    func whatADocumentSaysOfItselfMayBeAbsent(_ member: String) throws {
        let document = try #require(Self.documents().first)
        #expect(try Proof(json: Self.changing(document, member) { _ in nil }) == Proof(json: document))
    }

    @Test(arguments: [
        "code_id", "message_hash", "message_signature", "app_signature", "kms_signature", "derived_compressed_pubkey",
        "app_compressed_pubkey", "purpose", "kms_root",
    ])
    func aMissingShortOrLongMemberIsRefused(_ member: String) throws {
        let document = try #require(Self.documents().first)
        for change in [{ _ in nil }, { String($0.dropLast(2)) }, { $0 + "00" }] as [(String) -> String?] {
            #expect(throws: ProofError.self) { try Proof(json: Self.changing(document, member, change)) }
        }
    }

    @Test func aHighSIsRefused() throws {
        let document = try #require(Self.documents().first)
        for refused in try TestVectors.load("dstack-chains.json", member: "refused_signatures") {
            let member = try String(refused.string("of").prefix { $0 != " " })
            let signature = try refused.string("signature")
            #expect(throws: ProofError.invalidSignature(member: member, .highS)) {
                try Proof(json: Self.changing(document, member) { _ in signature })
            }
        }
    }

    @Test func anotherPurposeIsRefused() throws {
        let document = try #require(Self.documents().first)
        #expect(throws: ProofError.wrongPurpose(actual: "signing")) {
            try Proof(json: Self.changing(document, "purpose") { _ in "signing" })
        }
    }

    @Test func anAppWithoutKMSIsSaidToBeSo() throws {
        let document = try #require(Self.documents().first)
        for empty in ["", "0x"] {
            #expect(throws: ProofError.notKMSIssued) {
                try Proof(json: Self.changing(document, "kms_signature") { _ in empty })
            }
        }
    }
}
