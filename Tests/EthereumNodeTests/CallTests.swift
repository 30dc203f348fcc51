import EthereumNode
import Failures
import HTTP
import JSON
import LoopbackServer
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct CallTests {
    @Test func `a call is sent as JSON-RPC 2_0 and gives its result`() throws {
        try withNode({ request in
            let id =
                request.body.contains(UInt8(ascii: "2")) && request.body.firstRange(of: Array("\"id\":2".utf8)) != nil
            return [.answer(#"{"jsonrpc":"2.0","id":\#(id ? 2 : 1),"result":"0x1"}"#)]
        }) { server, client throws in
            #expect(try client.call("eth_call", [.string("a"), .bool(true)]) == .string("0x1"))
            #expect(try client.call("eth_chainId") == .string("0x1"))
            let bodies = server.requests.map { String(decoding: $0.body, as: UTF8.self) }
            #expect(
                bodies == [
                    #"{"jsonrpc":"2.0","id":1,"method":"eth_call","params":["a",true]}"#,
                    #"{"jsonrpc":"2.0","id":2,"method":"eth_chainId","params":[]}"#,
                ])
            #expect(server.requests.first?.head.contains("Content-Type: application/json") == true)
            #expect(server.requests.first?.target == "/v2/APIKEY-1")
            #expect(server.requests.count == 2)
            #expect(server.connectionCount == 1)
        }
    }

    @Test(
        "null is a result, and a null error none",
        arguments: [
            #"{"jsonrpc":"2.0","id":1,"result":null}"#, #"{"jsonrpc":"2.0","id":1,"result":null,"error":null}"#,
        ])
    func nullResult(text: String) throws {
        try withNode({ _ in [.answer(text)] }) { _, client throws in
            #expect(try client.call("eth_getTransactionReceipt") == .null)
        }
    }

    @Test(
        "the node's error keeps code, message and data, whatever the status",
        arguments: [
            ("200 OK", 200, ""), ("400 Bad Request", 400, " (HTTP status 400)"),
            ("500 Internal Server Error", 500, " (HTTP status 500)"),
        ])
    func nodeError(status: String, code: Int, told: String) throws {
        let text = #"{"jsonrpc":"2.0","id":1,"error":{"code":3,"message":"execution reverted","data":"0x08c379a0"}}"#
        let error = try callError(.answer(status: status, text))
        #expect(error == .response(code: 3, message: "execution reverted", data: .string("0x08c379a0"), status: code))
        #expect(error?.description == "the node answered error 3\(told): \"execution reverted\"")
    }

    @Test func `an error for an unread request has the id null`() throws {
        let error = try callError(.answer(#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse"}}"#))
        #expect(error == .response(code: -32700, message: "parse", data: nil))
    }

    @Test func `the first line of a node's message is shown, escaped and without the endpoint's key`() throws {
        let text = #"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"bad\u001b[31m key APIKEY-1\nmore"}}"#
        let shown = try #require(try callError(.answer(text))).description
        #expect(shown == #"the node answered error -1: "bad\u{1b}[31m key …""#)
    }

    @Test(
        "an answer that is none of JSON-RPC is malformed",
        arguments: [
            #"{"jsonrpc":"2.0","id":2,"result":1}"#, #"{"jsonrpc":"2.0","id":"2","result":1}"#,
            #"{"jsonrpc":"2.0","result":1}"#, #"{"jsonrpc":"2.0","id":null,"result":1}"#,
            #"{"jsonrpc":"1.0","id":1,"result":1}"#, #"{"id":1}"#, #"{"jsonrpc":"2.0","id":1}"#,
            #"{"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1,"message":"x"}}"#,
            #"{"jsonrpc":"2.0","id":1,"error":7}"#, #"{"jsonrpc":"2.0","id":1,"error":{"code":"1"}}"#,
            #"{"jsonrpc":"2.0","id":1,"error":{"code":99999999999999999999,"message":"x"}}"#,
            #"{"jsonrpc":"2.0","id":99999999999999999999,"result":1}"#, "[]", "7", "null",
        ])
    func malformed(text: String) throws {
        let error = try callError(.answer(text))
        #expect(error?.name == "malformed")
        #expect(error?.description.hasPrefix("http://127.0.0.1:") == true)
        #expect(error?.description.contains("APIKEY") == false)
    }

    @Test(
        "other forms of the id and none of the version are read",
        arguments: [#"{"jsonrpc":"2.0","id":"1","result":1}"#, #"{"id":1,"result":1}"#, #"{"id":"1","result":1}"#])
    func otherForms(text: String) throws {
        let value = try withNode({ _ in [.answer(text)] }) { _, client in try client.call("eth_chainId") }
        #expect(value == .number(1))
    }

    @Test(
        "a sentence in place of an error is shown with the status, and its hint follows from it",
        arguments: [
            (#"{"error":"Invalid API key"}"#, "answered HTTP status 200: \"Invalid API key\"", "the key in it"),
            (
                #"{"jsonrpc":"2.0","id":1,"error":"quota\nexceeded"}"#, "answered HTTP status 200: \"quota\"",
                "limits how often"
            ),
        ])
    func sentence(text: String, expected: String, hint: String) throws {
        let error = try #require(try callError(.answer(text)))
        #expect(error.description.hasSuffix(expected))
        #expect(error.hints.first?.contains(hint) == true)
        #expect(!error.isTransient)
    }

    @Test func `a page's title is shown without the endpoint's key`() throws {
        let error = try #require(try callError(.answer("<html><title>Cannot POST /v2/APIKEY-1</title>")))
        #expect(error.description.hasSuffix(#"answered HTML, not JSON: "Cannot POST /v2/…""#))
    }

    @Test(
        "what is no JSON is named",
        arguments: [
            ("<!DOCTYPE html><html>", "html"), ("\n <html>", "html"), ("", "empty"), (" \n", "empty"),
            (#"{"jsonrpc":"2.0","id":1,"resul"#, "truncated"), ("upstream error", "other"),
            (#"{"jsonrpc":"2.0","id":1,"result":1} x"#, "other"),
        ])
    func notJSON(text: String, expected: String) throws {
        #expect(try callError(.answer(text))?.name == expected)
    }

    @Test(
        "a refusing status is told with the server's reason",
        arguments: [
            (
                "401 Unauthorized", "Unauthorized: invalid\n key",
                "answered HTTP status 401: \"Unauthorized: invalid\""
            ),
            ("403 Forbidden", "<html>no</html>", "answered HTTP status 403"),
            (
                "403 Forbidden", "<html><TITLE lang=en>\n Attention Required! | Gate\n</TITLE>",
                "answered HTTP status 403: \"Attention Required! | Gate\""
            ),
            (
                "503 Service Unavailable", #"{"type":"about:blank","title":"Unavailable","detail":"out for lunch"}"#,
                "answered HTTP status 503: \"out for lunch\""
            ),
            ("502 Bad Gateway", "", "answered HTTP status 502"),
            ("404 Not Found", "Cannot POST /v2/APIKEY-1", "answered HTTP status 404: \"Cannot POST /v2/…\""),
            ("403 Forbidden", #"{"error":"project ID disabled"}"#, "answered HTTP status 403: \"project ID disabled\""),
            ("401 Unauthorized", #"{"message":"no"}"#, "answered HTTP status 401: \"no\""),
        ])
    func status(status: String, body: String, expected: String) throws {
        let error = try #require(try callError(.answer(status: status, body)))
        #expect(error.name == "status")
        #expect(error.description.hasSuffix(": " + expected))
    }

    @Test func `a rate limit passes and says for how long`() throws {
        let body = #"{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"slow down"}}"#
        let error = try callError(.answer(status: "429 Too Many Requests", headers: ["Retry-After: 7"], body))
        guard case .status(_, 429, "slow down", .seconds(7)) = error else { return unexpected(error) }
        #expect(error?.isTransient == true)
        #expect(try callError(.answer(body))?.isTransient == true)
    }

    @Test func `a redirect is hinted at`() throws {
        let error = try callError(.answer(status: "301 Moved", headers: ["Location: https://x.example/"], ""))
        #expect(error?.hints.count == 1)
    }

    @Test func `transport errors keep what HTTP said`() throws {
        guard case .transport(.connectionReset) = try callError(.reset) else {
            Issue.record("no reset")
            return
        }
        let large = try callError(.answer(String(repeating: " ", count: 10_001)))
        guard case .transport(.responseTooLarge(_, .body, 10_000)) = large else { return unexpected(large) }
        #expect(large?.kind == .serviceFailed)
    }

    @Test func `a call that may be sent once only gets a connection of its own`() throws {
        try withNode({ request in
            let id = request.body.firstRange(of: Array("\"id\":2".utf8)) == nil ? 1 : 2
            return [.answer(#"{"jsonrpc":"2.0","id":\#(id),"result":1}"#)]
        }) { server, client throws in
            _ = try client.call("eth_chainId")
            _ = try client.call("eth_sendRawTransaction", once: true)
            #expect(server.connectionCount == 2)
        }
    }
}
