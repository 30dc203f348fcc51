import JSON
import Testing

@testable import HTTPServer

/// What a client may send, and the one answer to it.
struct RequestShape: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let status: Int

    init(_ name: String, _ status: Int, _ text: String) {
        testDescription = name
        bytes = Array(text.utf8)
        self.status = status
    }

    init(_ name: String, _ status: Int, bytes: [UInt8]) {
        testDescription = name
        self.bytes = bytes
        self.status = status
    }

    /// GET of a target, with headers besides Host; `rest` is what stands behind them.
    static func get(
        _ name: String, _ status: Int, target: String = "/proof", version: String = "HTTP/1.1", _ headers: String...,
        rest: String = ""
    ) -> RequestShape {
        let lines = ["GET \(target) \(version)", "Host: localhost"] + headers
        return RequestShape(name, status, lines.map { $0 + "\r\n" }.joined() + "\r\n" + rest)
    }

    private static let other = "GET /other HTTP/1.1\r\nHost: localhost\r\n\r\n"

    static let bodies = [
        get("length and encoding", 400, "Content-Length: 5", "Transfer-Encoding: chunked", rest: "0\r\n\r\n"),
        get("encoding and length", 400, "Transfer-Encoding: chunked", "Content-Length: 5", rest: "0\r\n\r\n"),
        get("two lengths", 400, "Content-Length: 0", "Content-Length: 5", rest: "abcde"),
        get("a list of lengths", 400, "Content-Length: 0, 0"),
        get("a signed length", 400, "Content-Length: +5", rest: "abcde"),
        get("a chunked body", 413, "Transfer-Encoding: chunked", rest: "0\r\n\r\n"),
        get("an unknown encoding", 413, "Transfer-Encoding: xchunked"),
        get("the identity encoding", 413, "Transfer-Encoding: identity"),
        get("a request as the body", 413, "Content-Length: 40", rest: other),
        RequestShape("a body of HEAD", 413, "HEAD / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"),
        get("a length of 0", 200, "Content-Length: 0"),
        get("an expectation", 200, "Expect: 100-continue"),
        get("an upgrade", 200, "Connection: upgrade", "Upgrade: websocket", rest: "rest"),
    ]

    static let lines = [
        get("a folded header", 400, "X: a", " b"),
        get("a folded encoding", 400, "Transfer-Encoding:", " chunked", rest: "0\r\n\r\n"),
        RequestShape("bare line feeds", 400, "GET /proof HTTP/1.1\nHost: localhost\n\n"),
        RequestShape("one bare line feed", 400, "GET /proof HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n"),
        RequestShape("a bare carriage return", 400, "GET /proof HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n"),
        get("NUL in a value", 400, "X: a\0b"),
        get("NUL in a name", 400, "X\0: a"),
        get("a space before the colon", 400, "Content-Length : 5"),
        get("an empty name", 400, ": a"),
        RequestShape("no Host", 400, "GET /proof HTTP/1.1\r\n\r\n"),
        get("two Hosts", 400, "Host: localhost"),
        RequestShape("empty lines first", 200, "\r\n\r\n" + other),
    ]

    static let requestLines = [
        get("NUL in the target", 400, target: "/pro\0of"),
        get("a space in the target", 400, target: "/pr oof"),
        RequestShape("HTTP/1.0 without Host", 200, "GET /proof HTTP/1.0\r\n\r\n"),
        get("HTTP/2.0", 400, version: "HTTP/2.0"),
        RequestShape("the preface of HTTP/2", 400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        get("a signed version", 400, version: "HTTP/+1.1"),
        RequestShape("an unknown method", 400, "FETCH /proof HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        RequestShape("a method in lower case", 400, "get /proof HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        RequestShape("no target", 400, "GET HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        RequestShape("TLS", 400, bytes: [0x16, 3, 1, 0, 0xC8, 1, 0, 0, 0xC4, 3, 3] + Array(repeating: 0, count: 200)),
        get("an asterisk", 400, target: "*"),
        get("a fragment", 400, target: "/proof#x"),
        get("a URL", 200, target: "http://localhost/proof"),
        get("a URL without a path", 200, target: "http://localhost?a"),
        get("a URL of another scheme", 400, target: "file:///proof"),
        get("escapes", 200, target: "/%70roo%66"),
        get("an invalid escape", 400, target: "/%zzproof"),
        get("an escape cut short", 400, target: "/proof%6"),
        get("an escape that is not UTF-8", 400, target: "/proof%ff"),
    ]

    private static func many(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

    static let sizes = [
        get("a target of 9000 bytes", 431, target: "/" + many("a", 9000)),
        get("a value of 9000 bytes", 431, "X: " + many("a", 9000)),
        get("a name of 9000 bytes", 431, many("X", 9000) + ": a"),
        get("headers of 20,000 bytes", 431, many("X: \(many("a", 4000))\r\n", 5) + "X: a"),
        get("64 headers", 200, many("X: a\r\n", 62) + "X: a"),
        get("65 headers", 431, many("X: a\r\n", 63) + "X: a"),
        RequestShape("20,000 spaces", 431, "GET /proof HTTP/1.1\r\nHost: localhost\r\nX:" + many(" ", 20_000)),
        RequestShape("10,000 empty lines", 431, many("\r\n", 10_000)),
        RequestShape("a megabyte", 431, "GET /proof HTTP/1.1\r\nHost: localhost\r\nX: " + many("a", 1 << 20)),
    ]
}

@Suite struct RequestShapeTests {
    @Test(arguments: RequestShape.bodies + RequestShape.lines + RequestShape.requestLines + RequestShape.sizes)
    func `a request has one answer, in however many pieces it arrives`(shape: RequestShape) throws {
        for pieceSize in [Int.max, 97, shape.bytes.count > 1000 ? 1000 : 1] {
            let connection = try EmbeddedConnection()
            connection.send(shape.bytes, pieceSize: pieceSize)
            #expect(connection.statuses == [shape.status], "in pieces of \(pieceSize)")
            #expect(connection.paths.count == (shape.status == 200 ? 1 : 0))
            if shape.status != 200, !shape.bytes.starts(with: "HEAD".utf8) {
                let error = try JSONParser.parse(Array(connection.body.utf8)).object
                #expect(error?.members.map(\.name) == ["error"])
            }
        }
    }

    @Test(
        arguments: [
            ("/", "/", nil, []), ("/a/b?", "/a/b", nil, []), ("/proof/..", "/proof/..", nil, []),
            ("//a", "//a", nil, []),
            ("/a%2Fb%20+", "/a/b +", nil, []), ("/?a=1&&b", "/", nil, [["a", "1"], ["b", ""]]),
            ("/?a=1&a=2&=3", "/", nil, [["a", "1"], ["a", "2"], ["", "3"]]),
            ("/?a+b=%26+c?=d", "/", nil, [["a b", "& c?=d"]]),
            ("http://host", "/", "host", []), ("HTTP://host:80/a?b=c", "/a", "host:80", [["b", "c"]]),
            ("http://host?b=/", "/", "host", [["b", "/"]]),
        ] as [(String, String, String?, [[String]])])
    func `a target is a path and a query, alone or in a URL`(
        text: String, path: String, authority: String?, query: [[String]]
    ) throws {
        let target = try #require(RequestTarget(text))
        #expect(target.path == path)
        #expect(target.authority == authority)
        #expect(target.query.map { [$0.name, $0.value] } == query)
    }

    @Test(arguments: [
        "", "*", "a", "?a", "https://host/", "ftp://host/", "/#", "/a#b", "/%", "/%6", "/%zz", "/%+1", "/%ff", "/?%ff",
        "/?a=%e", "/?%f=1",
    ])
    func `other targets are refused`(text: String) { #expect(RequestTarget(text) == nil) }
}
