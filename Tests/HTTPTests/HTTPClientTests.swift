import HTTP
import LoopbackServer
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct HTTPClientTests {
    /// Runs `body` with a server's endpoint and its name in messages, and ends the server.
    private func withServer<Result>(
        speaksFirst: [LoopbackServer.Step] = [],
        _ script: @escaping @Sendable (LoopbackServer.Request) -> [LoopbackServer.Step],
        _ body: (LoopbackServer, Endpoint) throws -> Result
    ) throws -> Result {
        let server = try LoopbackServer(speaksFirst: speaksFirst, script: script)
        defer { server.stop() }
        return try body(server, Endpoint(url: server.url))
    }

    /// What a GET throws where a server plays these steps.
    private func error(
        limits: HTTPLimits = HTTPLimits(deadline: .seconds(20)), _ steps: LoopbackServer.Step...
    ) throws -> HTTPError? {
        try withServer({ _ in steps }) { _, endpoint in
            do throws(HTTPError) {
                _ = try HTTPClient().perform(HTTPRequest(endpoint, limits: limits))
                return nil
            } catch { return error }
        }
    }

    @Test func `a GET's status, headers and body come back`() throws {
        try withServer({ _ in [.answer(status: "404 Not Found", headers: ["x-Thing:  a b "], "no\0body")] }) {
            server, endpoint in
            let answer = try HTTPClient().perform(HTTPRequest(endpoint, path: "/proof?x=1"))
            #expect(answer.status == 404)
            #expect(answer.header("X-THING") == "a b")
            #expect(answer.header("absent") == nil)
            #expect(answer.body == Array("no\0body".utf8))
            #expect(server.requests.first?.target == "/proof?x=1")
            #expect(throws: HTTPError.status(endpoint: endpoint.displayName, code: 404, reason: "no\0body")) {
                try answer.successful(from: endpoint)
            }
        }
    }

    @Test("a POST sends its bytes and waits for no 100", arguments: [0, 1, 3 << 20])
    func post(count: Int) throws {
        let body = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        try withServer({ _ in [.answer("")] }) { server, endpoint in
            let request = HTTPRequest(
                endpoint, .post(body), headers: [("Content-Type", "application/json"), ("X-A", "")])
            #expect(try HTTPClient().perform(request).status == 200)
            let received = try #require(server.requests.first)
            #expect(received.body == body)
            #expect(received.head.hasPrefix("POST / HTTP/1.1\r\n"))
            #expect(received.head.contains("Content-Type: application/json"))
            #expect(!received.head.contains("Expect"))
        }
    }

    @Test func `a unix socket is asked, and its file's absence and deafness are told apart`() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/s"
            let endpoint = try Endpoint(socketPath: path)
            let client = HTTPClient()
            let missing = HTTPError.cannotConnect(endpoint: "\"\(path)\"", reason: "no such file or directory")
            #expect(throws: missing) { try client.perform(HTTPRequest(endpoint)) }
            let server = try LoopbackServer(socketPath: path) { _ in [.answer("hello")] }
            #expect(try client.perform(HTTPRequest(endpoint, path: "/Info")).body == Array("hello".utf8))
            #expect(server.requests.first?.target == "/Info")
            server.stop()
            try LoopbackServer.makeDeadSocket(atPath: path)
            #expect(throws: HTTPError.connectionRefused(endpoint: "\"\(path)\"")) {
                try client.perform(HTTPRequest(endpoint))
            }
        }
    }

    @Test func `nobody listening is a refused connection, which sent nothing`() throws {
        let endpoint = try Endpoint(url: "http://127.0.0.1:\(LoopbackServer.closedPort())/APIKEY")
        let error = #expect(throws: HTTPError.connectionRefused(endpoint: endpoint.displayName)) {
            try HTTPClient().perform(HTTPRequest(endpoint))
        }
        #expect(error?.isTransient == true)
        #expect(error?.mayHaveBeenSent == false)
    }

    @Test func `a name without an address is cannotResolve`() throws {
        // A label of more than 63 bytes fails before any name server is asked.
        let host = String(repeating: "a", count: 64) + ".invalid"
        let endpoint = try Endpoint(url: "http://\(host)/APIKEY")
        let limits = HTTPLimits(deadline: .seconds(20), connectTimeout: .seconds(20))
        #expect(throws: HTTPError.cannotResolve(endpoint: "http://\(host)")) {
            try HTTPClient().perform(HTTPRequest(endpoint, limits: limits))
        }
    }

    @Test func `a reset after the request says that it may have been sent`() throws {
        let error = try error(.reset)
        guard case .connectionReset(_, .exchanging) = error else { return unexpected(error) }
        #expect(error?.isTransient == true)
        #expect(error?.mayHaveBeenSent == true)
    }

    @Test(
        "an answer that ends early is no answer",
        arguments: [
            "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Le",
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        ])
    func endsEarly(text: String) throws {
        let error = try error(.text(text), .close)
        guard case .endedEarly(_, .exchanging) = error else { return unexpected(error) }
        #expect(error?.isTransient == true)
    }

    @Test("a chunked answer is put together", arguments: ["", "X-Trailer: t\r\n"])
    func chunked(trailer: String) throws {
        let text =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\(trailer)\r\n"
        try withServer({ _ in [.text(text)] }) { _, endpoint in
            let answer = try HTTPClient().perform(HTTPRequest(endpoint))
            #expect(answer.body == Array("hello world".utf8))
            #expect(answer.header("X-Trailer") == nil)
        }
    }

    @Test func `an interim answer's headers are not the answer's`() throws {
        let interim = LoopbackServer.Step.text("HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n")
        try withServer({ _ in [interim, .answer("x")] }) { _, endpoint in
            let answer = try HTTPClient().perform(HTTPRequest(endpoint))
            #expect(answer.status == 200)
            #expect(answer.retryAfter == nil)
        }
    }

    @Test("a body of the limit is taken", arguments: [10, 100_000])
    func bodyAtLimit(limit: Int) throws {
        let text = String(repeating: "x", count: limit)
        try withServer({ _ in [.answer(text)] }) { _, endpoint in
            let answer = try HTTPClient().perform(HTTPRequest(endpoint, limits: HTTPLimits(body: limit)))
            #expect(answer.body.count == limit)
        }
    }

    /// `{"a":1}` as Python's gzip and zlib compress it.
    private static let compressed: [(encoding: String, body: [UInt8])] = [
        ("gzip", [31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 74, 84, 178, 50, 172, 5, 0, 175, 172, 27, 86, 7, 0, 0, 0]),
        ("deflate", [120, 156, 171, 86, 74, 84, 178, 50, 172, 5, 0, 8, 42, 2, 9]),
    ]

    private static func answer(_ encoding: String, _ body: [UInt8]) -> [LoopbackServer.Step] {
        let head = "HTTP/1.1 200 OK\r\nContent-Encoding: \(encoding)\r\nContent-Length: \(body.count)\r\n\r\n"
        return [.text(head), .send(body)]
    }

    @Test func `a body that comes compressed is what was compressed`() throws {
        for (encoding, body) in Self.compressed {
            try withServer({ _ in Self.answer(encoding, body) }) { server, endpoint in
                let answer = try HTTPClient().perform(HTTPRequest(endpoint))
                #expect(answer.body == Array(#"{"a":1}"#.utf8))
                #expect(server.requests.first?.head.contains("Accept-Encoding: gzip, deflate") == true)
                #expect(throws: HTTPError.responseTooLarge(endpoint: endpoint.displayName, .body, limit: 6)) {
                    try HTTPClient().perform(HTTPRequest(endpoint, limits: HTTPLimits(body: 6)))
                }
            }
        }
    }

    @Test(
        arguments: [("lzma", [1, 2, 3]), ("gzip", Array("{}".utf8)), ("x\n", Array("{}".utf8))] as [(String, [UInt8])])
    func `an encoding that is not known and a damaged body are named`(encoding: String, body: [UInt8]) throws {
        try withServer({ _ in Self.answer(encoding, body) }) { _, endpoint in
            let expected = HTTPError.badEncoding(
                endpoint: endpoint.displayName, encoding: encoding.replacing("\n", with: ""))
            #expect(throws: expected) { try HTTPClient().perform(HTTPRequest(endpoint)) }
        }
    }

    @Test func `a body above the limit is refused, said or not`() throws {
        let body = String(repeating: "x", count: 1001)
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n\(body)\r\n0\r\n\r\n"
        for step in [LoopbackServer.Step.answer(body), .text(chunked)] {
            guard case .responseTooLarge(_, .body, 1000) = try error(limits: HTTPLimits(body: 1000), step) else {
                Issue.record("not refused")
                continue
            }
        }
    }

    @Test func `a head above the limit is refused`() throws {
        let headers = (0..<100).map { "X-\($0): \(String(repeating: "x", count: 100))" }
        let error = try error(limits: HTTPLimits(head: 4096), .answer(headers: headers, ""))
        guard case .responseTooLarge(_, .head, 4096) = error else { return unexpected(error) }
    }

    @Test func `a silent server meets the deadline`() throws {
        let limits = HTTPLimits(deadline: .milliseconds(300))
        let error = try error(limits: limits, .pause(milliseconds: 20_000))
        guard case .timedOut(_, .exchanging, .milliseconds(300)) = error else { return unexpected(error) }
        #expect(error?.isTransient == true)
        #expect(error?.mayHaveBeenSent == true)
    }

    @Test func `a dripping server meets the deadline`() throws {
        let drip = (0..<200).flatMap { _ in [LoopbackServer.Step.text("x"), .pause(milliseconds: 50)] }
        let head = LoopbackServer.Step.text("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        let limits = HTTPLimits(deadline: .milliseconds(400))
        try withServer({ _ in [head] + drip }) { _, endpoint in
            let duration = ContinuousClock().measure {
                #expect(throws: HTTPError.timedOut(endpoint: endpoint.displayName, .exchanging, limit: limits.deadline))
                {
                    try HTTPClient().perform(HTTPRequest(endpoint, limits: limits))
                }
            }
            #expect(duration < .seconds(5))
        }
    }

    @Test func `a redirect is an answer that is not followed`() throws {
        try withServer({ _ in [.answer(status: "302 Found", headers: ["Location: /other"], "")] }) { server, endpoint in
            let answer = try HTTPClient().perform(HTTPRequest(endpoint))
            #expect(answer.status == 302)
            #expect(server.requests.count == 1)
        }
    }

    @Test func `a connection is kept for the next request unless it may be sent once only`() throws {
        try withServer({ _ in [.answer("x")] }) { server, endpoint in
            let client = HTTPClient()
            _ = try client.perform(HTTPRequest(endpoint))
            _ = try client.perform(HTTPRequest(endpoint, .post([1])))
            #expect(server.connectionCount == 1)
        }
        try withServer({ _ in [.answer("x")] }) { server, endpoint in
            let client = HTTPClient()
            _ = try client.perform(HTTPRequest(endpoint, reusesConnection: false))
            _ = try client.perform(HTTPRequest(endpoint, reusesConnection: false))
            #expect(server.connectionCount == 2)
        }
    }

    @Test(
        "a header cannot end its line", arguments: [("X-A", "b\r\nX-C: d"), ("X-A\r\nB", "c"), ("", "c"), ("A:B", "c")])
    func headerInjection(name: String, value: String) throws {
        try withServer({ _ in [.answer("")] }) { server, endpoint in
            #expect(throws: HTTPError.self) {
                try HTTPClient().perform(HTTPRequest(endpoint, headers: [(name: name, value: value)]))
            }
            #expect(server.connectionCount == 0)
        }
    }

    @Test func `a cancelled request ends`() throws {
        try withServer({ _ in [.pause(milliseconds: 20_000)] }) { server, endpoint in
            let client = HTTPClient(isCancelled: { !server.requests.isEmpty })
            #expect(throws: HTTPError.cancelled(endpoint: endpoint.displayName)) {
                try client.perform(HTTPRequest(endpoint))
            }
        }
    }

    @Test func `what is no HTTP is an error`() throws {
        let error = try error(.text("SSH-2.0-OpenSSH\r\n"), .close)
        guard case .other = error else { return unexpected(error) }
    }

    @Test(
        "Retry-After is read in its form of seconds only",
        arguments: [
            ("0", Duration.seconds(0)), ("120", .seconds(120)), ("-1", nil), ("1.5", nil), ("", nil), ("+5", nil),
            ("99999999999999999999", nil), ("Wed, 21 Oct 2026 07:28:00 GMT", nil),
        ])
    func retryAfter(text: String, expected: Duration?) {
        #expect(HTTPResponse(status: 429, headers: [("retry-after", text)]).retryAfter == expected)
    }
}
