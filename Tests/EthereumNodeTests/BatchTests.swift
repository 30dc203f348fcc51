import EthereumNode
import JSON
import LoopbackServer
import Testing

@Suite(.timeLimit(.minutes(1)))
struct BatchTests {
    private static let calls = [RPCCall("eth_chainId"), RPCCall("eth_call", [.null]), RPCCall("eth_blockNumber")]

    @Test func `answers in any order are given to their calls`() throws {
        let text = """
            [{"jsonrpc":"2.0","id":3,"result":"c"},{"jsonrpc":"2.0","id":1,"result":"a"},
             {"jsonrpc":"2.0","id":2,"error":{"code":3,"message":"no"}}]
            """
        try withNode({ _ in [.answer(text)] }) { server, client throws in
            let results = try client.batch(Self.calls)
            #expect(
                results == [
                    .success(.string("a")), .failure(.response(code: 3, message: "no", data: nil)),
                    .success(.string("c")),
                ])
            #expect(server.requests.count == 1)
            let body = String(decoding: try #require(server.requests.first).body, as: UTF8.self)
            #expect(body.hasPrefix(#"[{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]},"#))
            #expect(body.hasSuffix(#"{"jsonrpc":"2.0","id":3,"method":"eth_blockNumber","params":[]}]"#))
        }
    }

    @Test func `no calls need no request`() throws {
        try withNode({ _ in [] }) { server, client throws in
            #expect(try client.batch([]).isEmpty)
            #expect(server.connectionCount == 0)
        }
    }

    @Test func `a call without an answer fails alone`() throws {
        let text = #"[{"jsonrpc":"2.0","id":3,"result":3},{"jsonrpc":"2.0","id":1,"result":1}]"#
        try withNode({ _ in [.answer(text)] }) { _, client throws in
            let results = try client.batch(Self.calls)
            #expect(results[0] == .success(.number(1)))
            #expect(results[2] == .success(.number(3)))
            guard case .failure(.missingAnswer(_, "eth_call")) = results[1] else {
                Issue.record("not missing")
                return
            }
        }
    }

    @Test func `an answer against JSON-RPC fails alone if it is known whose it is`() throws {
        let text =
            #"[{"jsonrpc":"2.0","id":1},{"jsonrpc":"2.0","id":2,"result":2},{"jsonrpc":"2.0","id":3,"result":3}]"#
        try withNode({ _ in [.answer(text)] }) { _, client throws in
            let results = try client.batch(Self.calls)
            guard case .failure(.malformed) = results[0] else {
                Issue.record("not malformed")
                return
            }
            #expect(results[1] == .success(.number(2)))
        }
    }

    @Test(
        "answers that belong to no call, or twice to one, spoil the batch",
        arguments: [
            #"[{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","id":3,"result":2}]"#,
            #"[{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","id":1,"result":2}]"#,
            #"[{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","id":"x","result":2}]"#,
            #"[{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","result":2}]"#,
            #"[{"jsonrpc":"2.0","id":1,"result":1},7]"#, #"{"jsonrpc":"2.0","id":1,"result":1}"#, "7",
        ])
    func spoiled(text: String) throws {
        #expect(try batchError(.answer(text))?.name == "malformed")
    }

    @Test(
        "a server that takes no batch is told apart",
        arguments: [
            ("200 OK", #"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch"}}"#),
            ("200 OK", #"[{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"batch too large"}}]"#),
            ("200 OK", #"[{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch too large"}}]"#),
            ("400 Bad Request", #"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch"}}"#),
            ("413 Payload Too Large", ""), ("403 Forbidden", "<html>"), ("405 Method Not Allowed", "no batches"),
        ])
    func refused(status: String, body: String) throws {
        let error = try batchError(.answer(status: status, body))
        #expect(error?.name == "batchRefused")
        #expect(error?.isTransient == false)
    }

    @Test(
        "a rate limit, a missing login and a broken server are no refusal of batches",
        arguments: [
            ("429 Too Many Requests", "", "status"), ("401 Unauthorized", "", "status"),
            ("502 Bad Gateway", "", "status"),
            ("200 OK", #"{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"limit"}}"#, "response"),
            ("200 OK", "<html>", "html"), ("200 OK", "", "empty"),
        ])
    func notRefused(status: String, body: String, expected: String) throws {
        #expect(try batchError(.answer(status: status, body))?.name == expected)
    }
}
