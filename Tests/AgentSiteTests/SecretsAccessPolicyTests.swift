import HTTPServer
import KeySources
import TestSupport
import Testing

@testable import AgentSite

@Suite struct SecretsAccessPolicyTests {
    private static let token = "0123456789abcdef-a-token"

    /// Whether a request is allowed.
    private func allows(_ request: ServerRequest, _ admitted: [String] = []) throws -> Bool {
        try SecretsAccessPolicy(admitted).refusal(of: request) == nil
    }

    /// Runs `body` with what admits the bearer of ``token``.
    private func withToken(_ body: (_ admitted: String) throws -> Void) throws {
        try withTemporaryFile(Self.token.utf8) { path in try body("token-file:\(path)") }
    }

    // MARK: - Addresses

    @Test(arguments: ["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"])
    func `this machine is allowed`(peer: String) throws { #expect(try allows(request(from: peer))) }

    @Test(arguments: ["10.1.2.3", "0.0.0.0", "::", "::2", "fe80::1", "128.0.0.1", "::ffff:10.1.2.3", "no address"])
    func `other machines are refused, whatever name they call`(peer: String) throws {
        for host in ["localhost", "127.0.0.1"] { #expect(try !allows(request(from: peer, host: host))) }
    }

    @Test(arguments: [
        ("10.1.2.3", "10.0.0.0/8", true), ("10.1.2.3", "10.1.2.3", true), ("::ffff:10.1.2.3", "10.1.2.3/32", true),
        ("10.1.2.3", "198.51.100.0/24", false), ("fd00::1", "fd00::/8", true), ("fe00::1", "fd00::/8", false),
    ])
    func `an admitted network is allowed, and its neighbours are not`(peer: String, network: String, isIn: Bool) throws
    {
        #expect(try allows(request(from: peer, host: "10.0.0.1"), ["192.0.2.0/24", network]) == isIn)
        #expect(try allows(request(), [network]), "this machine is still allowed")
    }

    // MARK: - Proxies

    @Test(arguments: ["X-Forwarded-For", "x-forwarded-proto", "X-Real-IP", "VIA", "Forwarded"])
    func `a proxy on this machine is refused, even if loopback is admitted`(header: String) throws {
        for peer in ["127.0.0.1", "::1"] {
            let forwarded = try request(from: peer, (header, "127.0.0.1"))
            #expect(try SecretsAccessPolicy(["127.0.0.0/8"]).refusal(of: forwarded)?.contains("a proxy") == true)
        }
    }

    @Test(arguments: ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-IP"])
    func `a header does not make another machine this one`(header: String) throws {
        #expect(try !allows(request(from: "10.1.2.3", (header, "127.0.0.1"))))
    }

    @Test func `a proxy of an admitted network is allowed`() throws {
        #expect(try allows(request(from: "10.1.2.3", ("X-Forwarded-For", "192.0.2.1")), ["10.0.0.0/8"]))
    }

    // MARK: - Names

    @Test(arguments: ["localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:1", "[::1]:8080", "[::1]", "10.1.2.3"])
    func `localhost and addresses are names of this machine`(host: String) throws {
        #expect(try allows(request(host: host)))
    }

    @Test(arguments: [
        "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil", "127.0.0.1@evil", "", "[evil]",
        "[::1", "LOCALHOST.",
    ])
    func `a name that was made to resolve to this machine is refused`(host: String) throws {
        #expect(try !allows(request(host: host)))
    }

    @Test func `the name in a URL takes precedence over the header`() throws {
        #expect(try !allows(request("http://evil.example/onboarding")))
        #expect(try allows(request("http://localhost/onboarding", host: "evil.example")))
    }

    // MARK: - Tokens

    @Test(arguments: ["Bearer", "bearer", "BEARER"])
    func `the bearer of the token is allowed from anywhere, under any name and through proxies`(scheme: String) throws {
        try withToken { admitted throws in
            for peer in ["10.1.2.3", "127.0.0.1"] {
                let bearing = try request(
                    from: peer, host: "cvm.example", ("Authorization", "\(scheme) \(Self.token)"), ("Via", "x"))
                #expect(try allows(bearing, [admitted]))
            }
        }
    }

    @Test(arguments: [
        token, "Bearer", "Bearer ", "Bearer  \(token)", "Basic \(token)", "Bearer \(token)x",
        "Bearer \(token.dropLast())", "Bearer \(token.dropLast())x", "Bearer \(token.uppercased())",
        "Bearer " + String(repeating: "x", count: token.count),
    ])
    func `other credentials are refused`(value: String) throws {
        try withToken { admitted throws in
            #expect(try !allows(request(from: "10.1.2.3", ("Authorization", value)), [admitted]))
            #expect(
                try allows(request(from: "127.0.0.1", ("Authorization", value)), [admitted]),
                "this machine needs no token")
        }
    }

    @Test func `two Authorization headers are as good as none`() throws {
        try withToken { admitted throws in
            let header = ("Authorization", "Bearer \(Self.token)")
            #expect(try !allows(request(from: "10.1.2.3", header, header), [admitted]))
        }
    }

    @Test func `each of several tokens is good`() throws {
        try withToken { first throws in
            try withTemporaryFile("another-token-of-some-length\r\n".utf8) { path throws in
                for token in [Self.token, "another-token-of-some-length"] {
                    let bearing = try request(from: "10.1.2.3", ("Authorization", "Bearer \(token)"))
                    #expect(try allows(bearing, [first, "token-file:\(path)"]))
                }
            }
        }
    }

    // MARK: - What cannot be admitted

    @Test(arguments: ["10.0.0.1/8", "example.org", "", "token:x"])
    func `only networks and token files are admitted`(text: String) {
        #expect(throws: HTTPServerError.notANetwork(text)) { try SecretsAccessPolicy([text]) }
    }

    @Test func `a token that others can read or guess is refused and not repeated`() throws {
        try withTemporaryFile(Self.token.utf8, mode: 0o640) { path throws in
            let error = #expect(throws: KeyError.tooOpen(path: path, mode: 0o640)) {
                try SecretsAccessPolicy(["token-file:\(path)"])
            }
            #expect(error?.description.contains(Self.token) == false)
        }
        try withTemporaryFile("fifteen-letters\n".utf8) { path throws in
            let error = #expect(throws: SecretsAccessError.shortToken(path: path)) {
                try SecretsAccessPolicy(["token-file:\(path)"])
            }
            #expect(error?.description == "the token in \"\(path)\" has fewer than 16 characters")
        }
        #expect(throws: KeyError.unreadable(source: "/absent", reason: "no such file or directory")) {
            try SecretsAccessPolicy(["token-file:/absent"])
        }
    }
}
