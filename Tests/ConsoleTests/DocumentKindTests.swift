import Console
import JSON
import Testing

@Suite struct DocumentKindTests {
    private func object(_ text: String) throws -> JSONObject { try #require(try JSONParser.parse(text).object) }

    @Test(
        "an object is told by its members",
        arguments: [
            (#"{"dstack_proof":{}}"#, "a proof"), (#"{"proof":{}}"#, "a proof"),
            (#"{"payload":"0x"}"#, "a sealed message"), (#"{"to_member":"0x","payload":"0x"}"#, "a sealed message"),
            (#"{"index":0,"from":"0x","payload":"a"}"#, "an opened message"),
            (#"{"to":"0x","data":"0x"}"#, "a transaction request"),
            (#"{"label":"a","status":"success"}"#, "a record of tx-send"),
            (#"{"Crypto":{},"version":3}"#, "a keystore"),
            (#"{"status":"0x1","transactionHash":"0x","logs":[]}"#, "a receipt"), (#"{"abi":[]}"#, "an artefact"),
        ])
    func objects(text: String, name: String) throws { #expect(DocumentKind.of(try object(text))?.name == name) }

    @Test("other objects are of no kind", arguments: ["{}", #"{"a":1}"#, #"{"member_id":"0x"}"#, #"{"to":"0x"}"#])
    func unknown(text: String) throws { #expect(DocumentKind.of(try object(text)) == nil) }

    @Test(
        "a text that is no JSON is told by how it begins",
        arguments: [
            ("\u{4}abc", "bytes"), ("0xabcd", "hex"), (String(repeating: "ab", count: 32) + "\n", "32 bytes of hex"),
            ("-----BEGIN EC PRIVATE KEY-----\n", "a certificate or key in PEM"), ("<html>", "a web page"),
            ("boot\nPROOF_JSON={", "a log with a proof"),
        ])
    func texts(text: String, name: String) { #expect(DocumentKind.of(text.utf8)?.name == name) }

    @Test("what is awaited is not wrong, and neither is what is read in its place")
    func served() throws {
        let proof = try object(#"{"dstack_proof":{}}"#)
        #expect(WrongDocument(proof, in: nil, awaited: DocumentKind.proof.plural) == nil)
        #expect(WrongDocument(proof, in: nil, awaited: DocumentKind.recipient.plural) == nil)
        #expect(WrongDocument(try object(#"{"abi":1}"#), in: nil, awaited: DocumentKind.interface.name) == nil)
        #expect(WrongDocument(proof, in: nil, awaited: DocumentKind.request.plural) != nil)
    }

    @Test("a name that a shell would take apart is quoted")
    func names() throws {
        let wrong = WrongDocument(try object(#"{"payload":""}"#), in: "it's.json", awaited: DocumentKind.proof.plural)
        #expect(wrong?.description == #""it's.json" holds a sealed message instead of proofs"#)
        #expect(
            wrong?.hints == [
                #"to post it: abi-encode onboard 'it'\''s.json' | tx-send"#,
                #"to open it: ecies-seal --open 'it'\''s.json'"#,
            ])
    }
}
