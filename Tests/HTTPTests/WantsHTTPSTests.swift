import HTTP
import Testing

/// A server that is asked over http and wants https says so in one of a few ways.
@Suite struct WantsHTTPSTests {
    private static let page = "<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>"

    private func failure(_ response: HTTPResponse, of url: String = "http://127.0.0.1:80") throws -> HTTPError {
        try response.failure(from: Endpoint(url: url))
    }

    @Test("it leads to https, or takes the request for a broken handshake")
    func recognised() throws {
        for status in [301, 302, 307, 308] {
            let response = HTTPResponse(status: status, headers: [("location", "https://a/b")])
            #expect(try failure(response) == .wantsHTTPS(endpoint: "http://127.0.0.1:80"))
        }
        for text in [
            Self.page, "Client sent an HTTP request to an HTTPS server.\n",
            "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
        ] {
            let response = HTTPResponse(status: 400, body: Array(text.utf8))
            #expect(try failure(response) == .wantsHTTPS(endpoint: "http://127.0.0.1:80"))
        }
    }

    @Test("any other answer is its status, and so is each over https")
    func otherwise() throws {
        for response in [
            HTTPResponse(status: 301, headers: [("Location", "http://a/")]), HTTPResponse(status: 301),
            HTTPResponse(status: 400, body: Array("bad request".utf8)),
            HTTPResponse(status: 500, body: Array(Self.page.utf8)),
            HTTPResponse(status: 200, headers: [("Location", "https://a/")]),
        ] {
            guard case .status("http://127.0.0.1:80", response.status, _) = try failure(response) else {
                Issue.record("\(response)")
                continue
            }
        }
        let led = HTTPResponse(status: 301, headers: [("Location", "https://a/")])
        #expect(try failure(led, of: "https://127.0.0.1:80") == .status(endpoint: "https://127.0.0.1:80", code: 301))
    }
}
