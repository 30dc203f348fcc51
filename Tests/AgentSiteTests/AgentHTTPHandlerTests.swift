import AgentSite
import Dstack
import HTTP
import HTTPServer
import JSON
import Primitives
import SecretMemory
import Testing

@Suite struct AgentHTTPHandlerTests {
    private static let bridge = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    private static let node = "http://127.0.0.1:8545"

    /// A handler that knows a proof and, if it watches a bridge, an inbox that was just read.
    private func handler(
        proof: Proof?, bridge: String? = bridge, maxStaleness: Duration = .seconds(60), isRead: Bool = true
    ) throws -> AgentHTTPHandler {
        let state = AgentState()
        if let proof {
            state.learn(proof)
            state.beginInbox(of: proof.memberId)
            state.remember(index: 0, SecretBytes(copying: Array(#"{"index":0}"#.utf8)))
        }
        if isRead { state.finishInbox() }
        return AgentHTTPHandler(
            state, bridge: try bridge.map { try Address($0) }, nodes: [try Endpoint(url: Self.node)],
            access: try SecretsAccessPolicy([]), maxStaleness: maxStaleness)
    }

    private func handler(bridge: String? = bridge) throws -> AgentHTTPHandler {
        try handler(proof: proofs()[0], bridge: bridge)
    }

    private func document(_ response: ServerResponse) throws -> JSONValue {
        #expect(response.body.bytes.last == UInt8(ascii: "\n"))
        return try JSONParser.parse(response.body.bytes)
    }

    /// The status and the error of an answer that has no other member.
    private func refusal(_ response: ServerResponse) throws -> (status: Int, error: String) {
        let object = try #require(document(response).object)
        #expect(object.members.count == 1)
        return (response.status, try object.string("error"))
    }

    // MARK: - /proof and /info

    @Test func `the proof is the whole document, in the order of its members`() throws {
        for proof in try proofs() {
            let response = try handler(proof: proof).answer(request("/proof?x=1&&y"))
            #expect(response.status == 200)
            #expect(String(decoding: response.body.bytes, as: UTF8.self) == proof.json.compact + "\n")
        }
    }

    @Test func `info names the member and its key`() throws {
        let response = try handler().answer(request("/info"))
        #expect(response.status == 200)
        #expect(
            try document(response)
                == .members([
                    "app_id": .string("a9019d1b2c3d4e5f60718293a4b5c6d7e8f90a1b"),
                    "member_id": .string("0xb79cf72689d7ef3addc2878f9248d18fdb05f045a28be87902d91c089cb581ce"),
                    "derived_address": .string("0xA17376A0526892Fb0131f78Fdebaa9f8cB03934D"),
                    "derived_pubkey": .string("0x02958e40c2ddc36e437224ddc56bda6e16d33dcaa5d3e7fc86a5575d25137cff3f"),
                    "code_id": .string("0xa9019d1b2c3d4e5f60718293a4b5c6d7e8f90a1b000000000000000000000000"),
                    "kms_root": .string("0xc4CfC07621383e38a109B72A570cd021989C439b"),
                ]))
    }

    @Test(arguments: ["/proof", "/info"])
    func `without a key they ask for patience`(path: String) throws {
        let response = try handler(proof: nil).answer(request(path))
        #expect(try refusal(response) == (503, "the guest agent has not provided a key yet"))
        #expect(response.headers.map(\.name) == ["Retry-After"])
        #expect(response.headers.map(\.value) == ["1"])
    }

    @Test(arguments: ["/proof", "/info", "/healthz"])
    func `they are for everybody, under any name`(path: String) throws {
        let stranger = try request(path, from: "192.0.2.1", host: "evil.example", ("X-Forwarded-For", "x"))
        #expect(try handler().answer(stranger).status == 200)
    }

    @Test(arguments: [
        "/", "/proof/", "/Proof", "//proof", "/proof/..", "/.env", "/proof%00", "/%2Fproof", "/proof%2f..%2finfo",
        "/onboarding/0", "/a", "http://localhost",
    ])
    func `there is nothing at other paths`(target: String) throws {
        let (status, error) = try refusal(handler().answer(request(target)))
        #expect(status == 404)
        #expect(error == "there is only /proof, /info, /onboarding and /healthz")
    }

    @Test func `an escaped path is the same path`() throws {
        #expect(try handler().answer(request("/%70roo%66")).status == 200)
    }

    // MARK: - /healthz

    @Test func `the agent is healthy with a key and an inbox that was read lately`() throws {
        let response = try handler().answer(request("/healthz"))
        #expect(response.status == 200)
        let member = try proofs()[0].memberId
        #expect(try document(response) == .members(["status": .string("ok"), "member_id": .string(member.hex)]))
    }

    @Test func `it is unhealthy without a key, or once the inbox has not been read for too long`() throws {
        let proof = try proofs()[0]
        for (handler, error) in [
            (try handler(proof: nil), "the guest agent has not provided a key yet"),
            (try handler(proof: proof, maxStaleness: .zero), "the inbox has not been read for 0 seconds"),
            (
                try handler(proof: proof, maxStaleness: .zero, isRead: false),
                "the inbox has not been read for 0 seconds"
            ),
        ] {
            let response = try handler.answer(request("/healthz"))
            #expect(response.status == 503)
            #expect(try document(response) == .members(["status": .string("failing"), "error": .string(error)]))
        }
    }

    @Test func `without a bridge its health does not depend on an inbox`() throws {
        let handler = try handler(proof: proofs()[0], bridge: nil, maxStaleness: .zero, isRead: false)
        #expect(try handler.answer(request("/healthz")).status == 200)
    }

    // MARK: - /onboarding

    @Test(arguments: [
        "", "?", "?x=1&x=2", "?bridge=\(bridge)", "?bridge=\(bridge.lowercased())", "?rpc=\(node)",
        "?rpc=\(node)&bridge=\(bridge)", "?rpc=http%3A%2F%2F127.0.0.1%3A8545",
    ])
    func `the messages are the same whether or not the query names the bridge and the node`(query: String) throws {
        let response = try handler().answer(request("/onboarding" + query))
        #expect(response.status == 200)
        let expected = JSONValue.members([
            "member_id": .string(try proofs()[0].memberId.hex), "dropped": .number(0),
            "messages": .array([.members(["index": .number(0)])]),
        ])
        #expect(try document(response) == expected)
    }

    @Test(arguments: [
        "bridge=0x1", "bridge=", "bridge", "bridge=\(bridge)&bridge=\(bridge)", "rpc=a&rpc=a",
        "bridge=0x5aaEB6053f3e94C9B9a09F33669435e7eF1bEaED",
    ])
    func `a bridge or node that is malformed or named twice is a bad request`(query: String) throws {
        #expect(try refusal(handler().answer(request("/onboarding?" + query))).status == 400)
    }

    @Test func `another bridge is not found, and the answer names the watched one`() throws {
        let other = "0x" + String(repeating: "11", count: 20)
        let (status, error) = try refusal(handler().answer(request("/onboarding?bridge=\(other)")))
        #expect(status == 404)
        #expect(error == "the agent watches the inbox of another bridge: \(Self.bridge)")
    }

    @Test(arguments: ["\(node)/x", "http://127.0.0.1:1", "file:///etc/passwd", "x", ""])
    func `another node is refused and not repeated`(url: String) throws {
        let (status, error) = try refusal(handler().answer(request("/onboarding?rpc=\(url)")))
        #expect(status == 403)
        #expect(error == "rpc is not one of the nodes the agent was started with")
    }

    @Test func `without a bridge there are no messages`() throws {
        for query in ["", "?bridge=\(Self.bridge)"] {
            #expect(try refusal(handler(bridge: nil).answer(request("/onboarding" + query))).status == 404)
        }
    }

    @Test func `before the inbox was read the answer asks for patience`() throws {
        let response = try handler(proof: proofs()[0], isRead: false).answer(request())
        #expect(try refusal(response) == (503, "the inbox has not been read yet"))
        #expect(response.headers.map(\.name) == ["Retry-After"])
    }

    @Test func `who may not see messages learns nothing else either`() throws {
        for query in ["", "?bridge=0x1", "?rpc=\(Self.node)"] {
            for handler in [try handler(), try handler(proof: nil), try handler(bridge: nil)] {
                let (status, error) = try refusal(handler.answer(request("/onboarding" + query, from: "192.0.2.1")))
                #expect(status == 403)
                #expect(
                    error == "messages are served only to this machine and to clients that --serve-secrets-to names")
            }
        }
    }
}
