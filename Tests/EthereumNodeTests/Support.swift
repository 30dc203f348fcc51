import EthereumNode
import HTTP
import JSON
import LoopbackServer

/// Runs `body` with a client of a server that plays these steps for each request, and ends the server.
func withNode<Result>(
    _ script: @escaping @Sendable (LoopbackServer.Request) -> [LoopbackServer.Step],
    _ body: (LoopbackServer, RPCClient) throws -> Result
) throws -> Result {
    let server = try LoopbackServer(script: script)
    defer { server.stop() }
    let endpoint = try Endpoint(url: "\(server.url)/v2/APIKEY-1")
    return try body(server, RPCClient(endpoint, limits: HTTPLimits(body: 10_000, deadline: .seconds(20))))
}

/// What one call of eth_chainId throws where the server plays this step.
func callError(_ step: LoopbackServer.Step) throws -> RPCError? {
    try withNode({ _ in [step] }) { _, client in
        do throws(RPCError) {
            _ = try client.call("eth_chainId")
            return nil
        } catch { return error }
    }
}

/// What a batch of eth_chainId and eth_blockNumber, numbered 1 and 2, throws where the server plays this step.
func batchError(_ step: LoopbackServer.Step) throws -> RPCError? {
    try withNode({ _ in [step] }) { _, client in
        do throws(RPCError) {
            _ = try client.batch([RPCCall("eth_chainId"), RPCCall("eth_blockNumber")])
            return nil
        } catch { return error }
    }
}

extension RPCError {
    /// The case's name, for comparing kinds.
    var name: String {
        switch self {
        case .transport: "transport"
        case .status: "status"
        case .notJSON(_, .html): "html"
        case .notJSON(_, .empty): "empty"
        case .notJSON(_, .truncated): "truncated"
        case .notJSON(_, .other): "other"
        case .malformed: "malformed"
        case .missingAnswer: "missingAnswer"
        case .response: "response"
        case .batchRefused: "batchRefused"
        }
    }
}
