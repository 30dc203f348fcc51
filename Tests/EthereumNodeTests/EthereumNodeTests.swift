import EthereumNode
import FakeNode
import HTTP
import JSON
import LoopbackServer
import Primitives
import TestSupport
import Testing

/// Runs `body` with a node of several URLs, each of which answers in its own way, and ends them.
private func withNodes<Result>(
    _ answers: [@Sendable (FakeNode.Call) -> FakeNode.Reply], _ body: ([FakeNode], EthereumNode) throws -> Result
) throws -> Result {
    let fakes = try answers.map { try FakeNode($0) }
    defer { for fake in fakes { fake.server.stop() } }
    return try body(fakes, EthereumNode(fakes.map { try $0.client() }))
}

/// A client of a port on which nobody listens.
private func deafClient() throws -> RPCClient {
    RPCClient(try Endpoint(url: "http://127.0.0.1:\(LoopbackServer.closedPort())"))
}

@Suite(.timeLimit(.minutes(1)))
struct NodeTests {
    @Test func `a batch is one request, and each question has its own answer`() throws {
        try withFakeNode({ call in
            switch call.method {
            case "eth_chainId": .text("0x1")
            case "eth_call": .error(3, "execution reverted", data: "0x01")
            case "eth_getCode": .error(-32601, "no such method")
            case "eth_blockNumber": .text("nonsense")
            default: .nothing
            }
        }) { fake, node throws in
            var batch = NodeBatch()
            let address = try Address(account)
            let chain = batch.add(.chainId)
            let call = batch.add(.call(CallRequest(to: address, data: []), at: .latest))
            let code = batch.add(.code(of: address, at: .latest))
            let block = batch.add(.blockNumber)
            let balance = batch.add(.balance(of: address, at: .latest))
            let answers = try node.ask(batch)
            #expect(fake.server.requests.count == 1)
            #expect(try answers.answer(to: chain) == 1)
            #expect(try answers.answer(to: call) == .reverted([1]))
            #expect(
                throws: NodeError.methodFailed(
                    "eth_getCode", .response(code: -32601, message: "no such method", data: nil))
            ) {
                try answers.answer(to: code)
            }
            #expect(throws: NodeError.malformed(method: "eth_blockNumber", expected: "a quantity of at most 64 bits")) {
                try answers.answer(to: block)
            }
            let missing = #expect(throws: NodeError.self) { try answers.answer(to: balance) }
            guard case .failed(.missingAnswer(_, "eth_getBalance")) = missing else { return unexpected(missing) }
        }
    }

    @Test func `an empty batch asks nobody`() throws {
        try withFakeNode({ _ in .nothing }) { fake, node throws in
            _ = try node.ask(NodeBatch())
            #expect(fake.server.requests.isEmpty)
        }
    }

    @Test func `a node that takes no batch is asked one by one, each question with its own failure`() throws {
        try withFakeNode(
            takesBatches: false,
            { call in call.method == "eth_chainId" ? .text("0x1") : .error(-32601, "no such method") }
        ) { fake, node throws in
            var batch = NodeBatch()
            let chain = batch.add(.chainId)
            let block = batch.add(.blockNumber)
            let answers = try node.ask(batch)
            #expect(fake.methods == ["eth_chainId", "eth_blockNumber"])
            #expect(try answers.answer(to: chain) == 1)
            #expect(
                throws: NodeError.methodFailed(
                    "eth_blockNumber", .response(code: -32601, message: "no such method", data: nil))
            ) {
                try answers.answer(to: block)
            }
        }
    }

    @Test(
        "the next node is asked when one fails in a way that is its own, and stays the one that is asked",
        arguments: [
            .instead(.reset), .instead(.answer(status: "502 Bad Gateway", "")),
            .instead(.answer(status: "401 Unauthorized", "no")), .instead(.answer("<html>")), .instead(.answer("")),
            .instead(.answer(#"{"jsonrpc":"2.0","id":77,"result":"0x1"}"#)), .error(-32005, "limit"),
            .instead(.answer(status: "429 Too Many Requests", "")),
        ] as [FakeNode.Reply])
    func failover(reply: FakeNode.Reply) throws {
        try withNodes([{ _ in reply }, { _ in .text("0x2") }, { _ in .text("0x3") }]) { fakes, node throws in
            #expect(try node.ask(.chainId) == 2)
            #expect(try node.ask(.chainId) == 2)
            #expect(fakes.map(\.server.requests.count) == [1, 2, 0])
        }
    }

    @Test func `the next node is asked a whole batch`() throws {
        try withNodes([{ _ in .instead(.reset) }, { _ in .text("0x2") }]) { fakes, node throws in
            var batch = NodeBatch()
            let tickets = [batch.add(.chainId), batch.add(.blockNumber)]
            let answers = try node.ask(batch)
            #expect(try tickets.map { try answers.answer(to: $0) } == [2, 2])
            #expect(fakes[1].methods == ["eth_chainId", "eth_blockNumber"])
        }
    }

    @Test func `an answer that is an error goes to no other node`() throws {
        try withNodes([{ _ in .error(-32000, "no") }, { _ in .text("0x2") }]) { fakes, node throws in
            #expect(throws: NodeError.methodFailed("eth_chainId", .response(code: -32000, message: "no", data: nil))) {
                try node.ask(.chainId)
            }
            #expect(fakes[1].server.requests.isEmpty)
        }
    }

    @Test func `each node is asked once, and the last one's failure is told`() throws {
        try withNodes([{ _ in .instead(.reset) }, { _ in .instead(.answer("<html>")) }]) { fakes, node throws in
            let error = #expect(throws: NodeError.self) { try node.ask(.chainId) }
            guard case .failed(.notJSON(_, .html)) = error else { return unexpected(error) }
            #expect(fakes.map(\.server.requests.count) == [1, 1])
        }
    }

    @Test(
        "what may have been sent is sent to no other node",
        arguments: [
            .instead(.reset), .instead(.close), .instead(.answer(status: "502 Bad Gateway", "")),
            .instead(.answer("<html>")), .instead(.answer("")), .error(-32005, "limit"),
            .instead(.answer(status: "429 Too Many Requests", "")), .error(-32000, "nonce too low"),
            .instead(.answer(#"{"jsonrpc":"2.0","id":77,"result":"0x1"}"#)), .text("nonsense"),
        ] as [FakeNode.Reply])
    func sentOnce(reply: FakeNode.Reply) throws {
        try withNodes([{ _ in reply }, { _ in .text("0x2") }]) { fakes, node throws in
            #expect(throws: NodeError.self) { try node.ask(.send(raw: [2])) }
            #expect(fakes.map(\.server.requests.count) == [1, 0])
        }
    }

    @Test func `what cannot have been sent is sent to the next node`() throws {
        let hash = "0x" + String(repeating: "ab", count: 32)
        try withFakeNode({ _ in .text(hash) }) { fake, _ throws in
            let node = EthereumNode([try deafClient(), try fake.client()])
            #expect(try node.ask(.send(raw: [2])).hex == hash)
            #expect(fake.methods == ["eth_sendRawTransaction"])
        }
    }
}
