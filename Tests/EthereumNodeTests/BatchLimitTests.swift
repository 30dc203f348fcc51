import EthereumNode
import JSON
import LoopbackServer
import Testing

/// What a client learns from a server that takes fewer calls in a request than there are.
@Suite(.timeLimit(.minutes(1)))
struct BatchLimitTests {
    /// Answers each call with its id; a request of more calls than the limit as `refusal` says.
    private static func server(
        limit: Int, _ refusal: @escaping @Sendable (_ callCount: Int) -> LoopbackServer.Step
    ) -> @Sendable (LoopbackServer.Request) -> [LoopbackServer.Step] {
        { request in
            let value = try? JSONParser.parse(request.body)
            guard let calls = value?.array else { return [.answer(answer(value))] }
            guard calls.count <= limit else { return [refusal(calls.count)] }
            return [.answer("[" + calls.map(answer).joined(separator: ",") + "]")]
        }
    }

    private static func answer(_ call: JSONValue?) -> String {
        let id = call?.object?["id"]?.compact ?? "null"
        return #"{"jsonrpc":"2.0","id":\#(id),"result":"0x1"}"#
    }

    private static func refusal(_ error: String, count: Int) -> String {
        let answers = (0..<count).map { #"{"jsonrpc":"2.0","id":\#($0),"error":\#(error)}"# }
        return "[" + answers.joined(separator: ",") + "]"
    }

    /// The numbers of calls in the requests that twelve calls, and then twelve more, take.
    private static func callCounts(
        _ script: @escaping @Sendable (LoopbackServer.Request) -> [LoopbackServer.Step]
    ) throws -> [[Int]] {
        try withNode(script) { server, client in
            let calls = (0..<12).map { RPCCall("eth_call", [.number($0)]) }
            return try (0..<2).map { _ in
                let before = server.requests.count
                var results: [Result<JSONValue, RPCError>?] = calls.map { _ in nil }
                try client.complete(&results, of: calls)
                #expect(results.allSatisfy { $0 == .success("0x1") })
                return server.requests.dropFirst(before).map { request in
                    (try? JSONParser.parse(request.body))?.array?.count ?? 1
                }
            }
        }
    }

    @Test(
        "a limit that the server names is kept to at once, and from then on",
        arguments: [
            ("500 Internal Server Error", #"{"code":31,"message":"Batch of more than 3 requests are not allowed"}"#),
            ("200 OK", #"{"code":31,"message":"Batch of more than 3 requests are not allowed"}"#),
            ("200 OK", #"{"code":-32600,"message":"batch size 12 exceeds the limit of 3"}"#),
            ("413 Payload Too Large", #"{"code":-32005,"message":"max batch size is 3"}"#),
        ])
    func named(status: String, error: String) throws {
        let script = Self.server(limit: 3) { .answer(status: status, Self.refusal(error, count: $0)) }
        #expect(try Self.callCounts(script) == [[12, 3, 3, 3, 3], [3, 3, 3, 3]])
    }

    @Test(
        "where it names none, half as many are tried",
        arguments: [
            ("413 Payload Too Large", ""), ("413 Payload Too Large", "<html><title>too large</title></html>"),
            ("200 OK", #"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch too large"}}"#),
            ("200 OK", #"[{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch too large"}}]"#),
        ])
    func halved(status: String, body: String) throws {
        let script = Self.server(limit: 3) { _ in .answer(status: status, body) }
        #expect(try Self.callCounts(script) == [[12, 6, 3, 3, 3, 3], [3, 3, 3, 3]])
    }

    @Test(
        "a server without batches is asked one by one",
        arguments: [
            ("200 OK", #"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid request"}}"#),
            ("400 Bad Request", "batch requests are not supported"), ("405 Method Not Allowed", ""),
        ])
    func none(status: String, body: String) throws {
        let script = Self.server(limit: 0) { _ in .answer(status: status, body) }
        let single = Array(repeating: 1, count: 12)
        #expect(try Self.callCounts(script) == [[12] + single, single])
    }

    @Test("what a rate limit left open is asked again alone", arguments: [-32007, -32005, -32016, 429])
    func partial(code: Int) throws {
        let counts = try Self.callCounts { request in
            let calls = (try? JSONParser.parse(request.body))?.array ?? []
            let answers = calls.enumerated().map { index, call in
                let id = call.object?["id"]?.compact ?? "null"
                return index < 5
                    ? Self.answer(call) : #"{"jsonrpc":"2.0","id":\#(id),"error":{"code":\#(code),"message":"later"}}"#
            }
            return [.answer("[" + answers.joined(separator: ",") + "]")]
        }
        #expect(counts == [[12, 5, 2], [5, 5, 2]])
    }

    @Test(
        "an HTTP error is no answer to each call, whatever its body holds",
        arguments: [
            ("503 Service Unavailable", "[]"),
            ("502 Bad Gateway", #"[{"id":1,"error":{"code":-32603,"message":"x"}}]"#),
            (
                "503 Service Unavailable",
                #"[{"id":1,"error":{"code":-1,"message":"x"}},{"id":2,"error":{"code":-1,"message":"x"}}]"#
            ),
            (
                "401 Unauthorized",
                #"[{"id":1,"error":{"code":-1,"message":"key"}},{"id":2,"error":{"code":-1,"message":"key"}}]"#
            ),
        ])
    func httpErrors(status: String, body: String) throws {
        #expect(try batchError(.answer(status: status, body))?.name == "status")
    }

    @Test func `an error of no call is that of all which have no answer`() throws {
        let text = """
            [{"jsonrpc":"2.0","id":1,"result":1},
             {"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"rate limit"}}]
            """
        try withNode({ _ in [.answer(text)] }) { _, client throws in
            let results = try client.batch([RPCCall("eth_chainId"), RPCCall("eth_blockNumber")])
            let limited = RPCError.response(code: -32005, message: "rate limit", data: nil)
            #expect(results == [.success(.number(1)), .failure(limited)])
        }
    }

    @Test(
        "an outage in every answer is one, and no refusal",
        arguments: [
            #"{"code":-32011,"message":"no backends available"}"#, #"{"code":-32603,"message":"upstream timeout"}"#,
            #"{"code":-32000,"message":"service temporarily unavailable"}"#,
        ])
    func outage(error: String) throws {
        for status in ["200 OK", "503 Service Unavailable"] {
            for id in ["1", "null"] {
                let answer = #"{"jsonrpc":"2.0","id":\#(id),"error":\#(error)}"#
                let second = answer.replacing(#""id":1"#, with: #""id":2"#)
                for body in [answer.replacing(#""id":1"#, with: #""id":null"#), "[\(answer),\(second)]"] {
                    let error = try withNode({ _ in [.answer(status: status, body)] }) { _, client in
                        var results: [Result<JSONValue, RPCError>?] = [nil, nil]
                        return #expect(throws: RPCError.self) {
                            try client.complete(&results, of: [RPCCall("eth_chainId"), RPCCall("eth_blockNumber")])
                        }
                    }
                    #expect(error?.isTransient == true && ["response", "status"].contains(error?.name))
                }
            }
        }
    }
}
