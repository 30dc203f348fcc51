import Failures
import Testing

@testable import HTTP

@Suite struct EndpointTests {
    @Test(
        "a URL is named by scheme, host and port only",
        arguments: [
            ("https://user:secret@node.example:8545/v2/APIKEY?key=OTHER#top", "https://node.example:8545"),
            ("http://Node.Example/APIKEY", "http://node.example"), ("HTTPS://node.example", "https://node.example"),
            ("http://[::1]:8545/", "http://[::1]:8545"), ("https://node.example?key=APIKEY", "https://node.example"),
        ])
    func displayName(text: String, expected: String) throws {
        #expect(try Endpoint(url: text).displayName == expected)
    }

    @Test(
        "a text that is no http or https URL is refused and not repeated",
        arguments: [
            "", "node.example/APIKEY", "ftp://node.example/APIKEY", "file:///etc/passwd", "http://",
            "https:///APIKEY", "http:////APIKEY/x",
            "https://:8545/APIKEY",
            "http://node.example:99999/APIKEY", "http://node.example:port/APIKEY", "http://node example/APIKEY",
            "http://node.example/APIKEY\r\nX: y", "http://node.example/\u{e9}APIKEY",
            "http://node%a1.example/APIKEY", "http://node%C3%A9.example/APIKEY", "http://node%00.example/APIKEY",
            "http://node%20.example/APIKEY", "unix:///run/dstack.sock",
        ])
    func refusesURL(text: String) throws {
        let error = #expect(throws: HTTPError.self) { try Endpoint(url: text) }
        #expect(error?.kind == .badInput)
        #expect(error?.description.contains("APIKEY") == false)
    }

    @Test(
        "a request's path goes between the endpoint's path and its query",
        arguments: [
            ("https://node.example", "", "https://node.example"),
            ("https://node.example/v2/KEY", "", "https://node.example/v2/KEY"),
            ("https://node.example/v2/KEY/#top", "", "https://node.example/v2/KEY/"),
            ("https://node.example", "/proof", "https://node.example/proof"),
            ("https://node.example/base/", "/proof", "https://node.example/base/proof"),
            ("https://u:p@node.example:1?key=K", "/proof", "https://u:p@node.example:1/proof?key=K"),
            ("https://node.example/base?key=K", "/proof?a=b", "https://node.example/base/proof?a=b&key=K"),
        ])
    func joinsPaths(base: String, path: String, expected: String) throws {
        #expect(try Endpoint(url: base).url(for: path) == expected)
    }

    @Test("a request's path must begin with a slash and be printable", arguments: ["proof", "/a b", "/a\r\nb", "/#x"])
    func refusesPaths(path: String) throws {
        let endpoint = try Endpoint(url: "http://node.example")
        #expect(throws: HTTPError.self) { try endpoint.url(for: path) }
    }

    @Test func `a socket's path is checked and shown in quotes`() throws {
        #expect(try Endpoint(socketPath: "/run/dstack.sock").displayName == "\"/run/dstack.sock\"")
        #expect(throws: HTTPError.self) { try Endpoint(socketPath: "") }
        #expect(throws: HTTPError.self) { try Endpoint(socketPath: "a\0b") }
        #expect(throws: HTTPError.self) { try Endpoint(socketPath: String(repeating: "a", count: 108)) }
        #expect(try Endpoint(socketPath: String(repeating: "a", count: 107)).socketPath?.utf8.count == 107)
    }

    @Test(
        "this machine is known by its names and addresses",
        arguments: [
            ("localhost", true), ("127.0.0.1", true), ("127.9.8.7", true), ("[::1]", true), ("localhost.", true),
            ("127.1", true), ("2130706433", true), ("[::ffff:127.0.0.1]", true),
            ("node.example", false), ("128.0.0.1", false), ("[::2]", false), ("127.0.0.1.example", false),
            ("0.0.0.0", false), ("localhost.example", false),
        ])
    func loopback(host: String, expected: Bool) throws {
        #expect(try Endpoint(url: "http://\(host):8545/").isLocal == expected)
    }

    @Test func `secrets of the URL are cut out of other people's texts`() throws {
        let endpoint = try Endpoint(url: "https://user:password@node.example/v2/APIKEY-1?token=TOKEN-2")
        let text = "Cannot POST /v2/APIKEY-1?token=TOKEN-2 for user:password"
        #expect(endpoint.redacting(text) == "Cannot POST /v2/…?token=… for …:…")
        let other = try Endpoint(url: "http://admin:hunter2@node.example/?key=k3y&token=Secret%2Btoken")
        let echo = "denied: /?key=k3y&token=Secret+token, Basic YWRtaW46aHVudGVyMg== or Secret%2Btoken"
        #expect(other.redacting(echo) == "denied: /?key=…&token=…, Basic …== or …")
    }
}
