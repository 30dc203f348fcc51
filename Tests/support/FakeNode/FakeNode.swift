package import EthereumNode
import HTTP
package import JSON
package import LoopbackServer
import Synchronization

/// An Ethereum node that answers by a script: each call of each request, alone or in a batch.
package final class FakeNode: Sendable {
    /// A call as it came.
    package struct Call: Sendable {
        package let method: String
        package let parameters: [JSONValue]
        /// How many calls of the same method came before it.
        package let ordinal: Int

        /// The parameter that is an object, as eth_call has it.
        package var request: JSONObject? { parameters.first?.object }
    }

    /// What is answered.
    package enum Reply: Sendable {
        case result(JSONValue)
        /// The node's own error; `data` is left out if nil.
        case error(Int, String, data: JSONValue? = nil)
        /// No answer to the call in the answers to its batch.
        case nothing
        /// This in place of all answers to the request.
        case instead(LoopbackServer.Step)

        /// A result that is a text.
        package static func text(_ text: String) -> Reply { .result(.string(text)) }
    }

    /// The server's side of it.
    package let server: LoopbackServer
    private let log: Log

    private final class Log: Sendable {
        let calls = Mutex<[Call]>([])

        func note(_ call: JSONObject) -> Call {
            let method = call["method"]?.string ?? ""
            return calls.withLock { calls in
                let ordinal = calls.count { $0.method == method }
                let call = Call(method: method, parameters: call["params"]?.array ?? [], ordinal: ordinal)
                calls.append(call)
                return call
            }
        }
    }

    /// - Parameters:
    ///   - takesBatches: whether batches are answered; else they meet an error, as some providers have it.
    ///   - answer: what is answered to a call.
    package init(takesBatches: Bool = true, _ answer: @escaping @Sendable (Call) -> Reply) throws {
        let log = Log()
        self.log = log
        server = try LoopbackServer { request in
            guard let body = try? JSONParser.parse(request.body) else { return [.close] }
            if body.array != nil, !takesBatches { return [.answer(Self.refusal)] }
            let replies = (body.array ?? [body]).compactMap(\.object).map { call in
                (id: call["id"] ?? .null, reply: answer(log.note(call)))
            }
            for case (_, .instead(let step)) in replies { return [step] }
            let answers = replies.compactMap { Self.json($0.reply, id: $0.id) }
            return [.answer((body.array == nil ? answers.first ?? .null : .array(answers)).compact)]
        }
    }

    /// The calls so far.
    package var calls: [Call] { log.calls.withLock { $0 } }
    /// The methods that were called, in their order.
    package var methods: [String] { calls.map(\.method) }

    /// A client of the node.
    package func client() throws -> RPCClient {
        RPCClient(try Endpoint(url: "\(server.url)/v2/APIKEY-1"), limits: HTTPLimits(deadline: .seconds(20)))
    }

    private static let refusal =
        #"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch requests are disabled"}}"#

    private static func json(_ reply: Reply, id: JSONValue) -> JSONValue? {
        switch reply {
        case .result(let value): .members(["jsonrpc": .string("2.0"), "id": id, "result": value])
        case .error(let code, let message, let data):
            .members([
                "jsonrpc": .string("2.0"), "id": id,
                "error": .members(["code": .number(code), "message": .string(message), "data": data]),
            ])
        case .nothing, .instead: nil
        }
    }
}

/// Runs `body` with a node that answers each call so, and ends it.
package func withFakeNode<Result>(
    takesBatches: Bool = true, _ answer: @escaping @Sendable (FakeNode.Call) -> FakeNode.Reply,
    _ body: (FakeNode, Node) throws -> Result
) throws -> Result {
    let fake = try FakeNode(takesBatches: takesBatches, answer)
    defer { fake.server.stop() }
    return try body(fake, Node([fake.client()]))
}
