import NIOHTTP1
import Testing

@testable import HTTPServer

@Suite struct ServerRequestTests {
    private func request(
        _ uri: String = "/", version: HTTPVersion = .http1_1, _ headers: [(String, String)] = [("Host", "localhost")]
    ) throws(RefusedRequest) -> ServerRequest {
        let head = HTTPRequestHead(version: version, method: .GET, uri: uri, headers: HTTPHeaders(headers))
        return try ServerRequest(head, from: nil)
    }

    @Test(arguments: [
        ("localhost", "localhost"), ("localhost:80", "localhost"), ("[::1]:80", "::1"), ("[::1]", "::1"),
        ("::1", ":"), ("", ""), ("[::1", "[:"),
    ])
    func `the host is named without a port`(header: String, host: String) throws {
        #expect(try request("/", [("Host", header)]).host == host)
    }

    @Test func `the host of a URL takes precedence over the header`() throws {
        #expect(try request("http://evil.example:80/").host == "evil.example")
    }

    @Test func `only HTTP 1.0 may leave the host out, and nobody may name two`() throws {
        #expect(try request(version: .http1_0, []).host == nil)
        #expect(throws: RefusedRequest.wrongHost) { try request("/", []) }
        #expect(throws: RefusedRequest.wrongHost) { try request("/", [("Host", "a"), ("Host", "a")]) }
    }

    @Test(arguments: [
        "X-Forwarded-For", "x-forwarded-proto", "X-Forwarded", "X-Real-IP", "VIA", "Forwarded", "x-client-ip",
        "CF-Connecting-IP", "True-Client-IP", "X-Envoy-External-Address", "X-Cluster-Client-IP",
        "X-Original-Forwarded-For",
    ])
    func `a header that proxies add shows a proxy, whatever its value`(name: String) throws {
        for value in ["", "127.0.0.1"] {
            #expect(try request("/", [("Host", "localhost"), (name, value)]).isForwarded)
        }
    }

    @Test(arguments: ["Accept", "X-Request-Id", "Forward", "X-Forward-For", "User-Agent"])
    func `other headers show no proxy`(name: String) throws {
        #expect(try !request("/", [("Host", "localhost"), (name, "forwarded")]).isForwarded)
    }

    @Test func `every Authorization header and every value of a parameter is kept, in order`() throws {
        let found = try request("/?a=1&b=2&a=3", [("Host", "x"), ("Authorization", "p"), ("authorization", "q")])
        #expect(found.authorization == ["p", "q"])
        #expect(found.values(of: "a") == ["1", "3"])
        #expect(found.values(of: "c").isEmpty)
    }
}
