import HTTP
import JSON
import Testing

/// What a server says in a body, whatever form it gives it.
@Suite struct HTTPBodyTests {
    private static let url = "https://node.example/v2/APIKEY-1"

    private func response(_ body: String) -> HTTPResponse { HTTPResponse(status: 503, body: Array(body.utf8)) }

    @Test(
        "a server's sentence is found in JSON, in a page and in plain text",
        arguments: [
            (#"{"error":"no key yet"}"#, "no key yet"), (#"{"error":{"code":1,"message":"busy"}}"#, "busy"),
            (#"{"message":"Missing route"}"#, "Missing route"),
            (#"{"title":"Gone","detail":"out for lunch"}"#, "out for lunch"),
            (#""starting""#, "starting"), (#"[{"error":"no batches"}]"#, "no batches"),
            ("<html><head><TITLE>\n Bad  Gateway </title>", "Bad Gateway"),
            ("\n upstream is\taway\nmore", "upstream is away"),
            (#"{"error":"no route to /v2/APIKEY-1"}"#, "no route to /v2/…"),
            ("Cannot GET /v2/APIKEY-1", "Cannot GET /v2/…"),
            ("<title>no /v2/APIKEY-1</title>", "no /v2/…"),
        ])
    func sentence(body: String, expected: String) throws {
        #expect(try response(body).explanation(from: Endpoint(url: Self.url)) == expected)
    }

    @Test(
        "there is none in an answer without words",
        arguments: ["", " \n", "<html>", #"{"status":1}"#, #"{"error":null}"#, #"{"error":" "}"#, "{", "[]", "7"])
    func none(body: String) throws {
        #expect(try response(body).explanation(from: Endpoint(url: Self.url)) == nil)
    }

    @Test("a status that is no success is told with that sentence, of a bounded length")
    func status() throws {
        let endpoint = try Endpoint(url: Self.url)
        let failure = response(#"{"error":"no key yet"}"#).failure(from: endpoint)
        #expect(failure.description == #"https://node.example: answered HTTP status 503: "no key yet""#)
        #expect(failure.isTransient)
        let long = response(#"{"error":"\u001b[2J\#(String(repeating: "x", count: 5000))"}"#).failure(from: endpoint)
        #expect(long.description.utf8.count < 300)
        #expect(long.description.contains(#""\u{1b}[2Jxxx"#))
        #expect(long.description.hasSuffix("x…\""))
    }

    @Test(
        "what is not JSON is named, with its words",
        arguments: [
            ("", NotJSON.empty, "empty body"), ("{", .truncated, "truncated"), ("<p>", .html(title: nil), "HTML"),
            ("<title>A</title>", .html(title: "A"), #"HTML, not JSON: "A""#),
            ("no APIKEY-1", .other(.syntax(line: 1, expected: "null"), text: "no …"), #": "no …""#),
        ])
    func notJSON(body: String, expected: NotJSON, words: String) throws {
        let error = #expect(throws: NotJSON.self) { try response(body).json(from: Endpoint(url: Self.url)) }
        if case (.other(_, let text), .other(_, let wanted)) = (error, expected) {
            #expect(text == wanted)
        } else {
            #expect(error == expected)
        }
        #expect(error?.description.contains(words) == true)
    }
}
