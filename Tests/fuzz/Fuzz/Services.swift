import GuestAgent
import HTTP
import JSON
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Primitives

@testable import EthereumNode
@testable import HTTPServer

/// What comes from services, from those who call ours, and in URLs.
extension FuzzTarget {
    static let services = [
        FuzzTarget(name: "rpc-answer", floor: 1 << 20, run: readAnswer),
        FuzzTarget(name: "http-request", floor: 1 << 20, run: answerRequest),
        FuzzTarget(name: "address", run: readAddress),
    ]

    // MARK: - JSON-RPC

    /// An HTTP status (the first byte), then the body.
    private static func readAnswer(_ bytes: [UInt8]) {
        var body = bytes[...]
        let status = 150 + Int(body.takeByte()) * 2
        guard let endpoint = try? Endpoint(url: "https://node.example/v2/a-secret-key") else { return }
        let client = RPCClient(endpoint)
        let response = HTTPResponse(status: status, body: Array(body))
        var results: [JSONValue] = []
        do throws(RPCError) {
            results = [try client.result(in: response, to: 1)]
            require(response.isSuccess, "a status that is no success is no result")
        } catch {
            require(!error.description.contains("a-secret-key"), "an error shows no key")
        }
        let calls = [RPCCall("eth_chainId"), RPCCall("eth_blockNumber"), RPCCall("eth_getCode")]
        if let answers = try? client.results(in: response, to: calls, [1, 2, 3]) {
            require(answers.count == calls.count, "each call has its answer")
            results += answers.compactMap { try? $0.get() }
        }
        results.forEach(readResult)
    }

    private static func readResult(_ result: JSONValue) {
        func ask<Answer>(_ query: NodeQuery<Answer>) -> Answer? { try? query.answer(.success(result)).get() }
        if let number = ask(.blockNumber) {
            let digits = (result.string ?? "").dropFirst(2).drop { $0 == "0" }
            require("0x" + (digits.isEmpty ? "0" : digits.lowercased()) == number.quantity, "a number comes back")
        }
        if let code = ask(.code(of: .zero, at: .latest)) {
            require(result.string?.lowercased() == code.hex, "bytes come back")
        }
        if let fees = ask(NodeQuery.feeHistory) {
            require(fees.maxFeePerGas() >= fees.nextBaseFee, "the offer is no less than the base fee")
        }
        if let simulated = ask(.simulate([CallRequest(to: .zero, data: [])])) {
            require(simulated.count == 1, "each call has its result")
        }
        _ = ask(.receipt(of: .zero))
        _ = ask(.block(number: 0))
        _ = NodeQuery.bundle([CallRequest(to: .zero, data: [])], from: .zero).map(ask)
        _ = ask(.estimateGas(CallRequest(to: .zero, data: []), at: .latest))
    }

    // MARK: - HTTP

    /// What a client sends on one connection, in pieces as the first byte says.
    private static func answerRequest(_ bytes: [UInt8]) {
        var input = bytes[...]
        let pieceSize = Int(input.takeByte()) + 1
        let channel = EmbeddedChannel()
        let connections = Connections(limit: 1)
        var answerCount = 0
        let connection = Connection(
            channel, limits: ServerLimits(deadline: .seconds(10), connections: 1), among: connections
        ) { request in
            answerCount += 1
            require(request.path.hasPrefix("/"), "a path begins with a slash")
            return .ok(
                .members([
                    "path": .string(request.path), "values": .array(request.values(of: "a").map(JSONValue.string)),
                ]))
        }
        guard (try? connections.admit(connection)) != nil, (try? connection.addHandlers()) != nil else {
            return require(false, "a first connection is taken in")
        }
        while !input.isEmpty {
            _ = try? channel.writeInbound(ByteBuffer(bytes: input.take(pieceSize)))
            channel.embeddedEventLoop.run()
        }
        var answer: [UInt8] = []
        while let part = try? channel.readOutbound(as: ByteBuffer.self) { answer += part.readableBytesView }
        require(answerCount <= 1, "a connection has one answer")
        let statusLines = answer.split(separator: UInt8(ascii: "\n")).count { $0.starts(with: "HTTP/1.".utf8) }
        require(statusLines == (answer.isEmpty ? 0 : 1), "a connection has one answer")
        _ = try? channel.finish(acceptAlreadyClosed: true)
        channel.embeddedEventLoop.advanceTime(by: .seconds(20))
    }

    // MARK: - URLs and addresses

    private static func readAddress(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        if let endpoint = try? Endpoint(url: text) {
            require(
                (try? Endpoint(url: endpoint.displayName))?.displayName == endpoint.displayName,
                "a URL is shown in one form")
            let authority = text.drop { $0 != "/" }.dropFirst(2).prefix { !"/?#".contains($0) }
            if let user = authority.split(separator: "@").dropLast().first, user.count >= 6 {
                require(!endpoint.displayName.contains(user + "@"), "a URL is shown without its password")
            }
            _ = endpoint.redacting(text)
        }
        _ = try? Endpoint(socketPath: text)
        _ = try? AgentAddress.find(named: text, environment: { _ in nil }, kind: { _ in .socket })
        if let address = try? ListenAddress(text) {
            require((try? ListenAddress(address.description)) == address, "an address to listen on comes back")
        }
        if let network = try? IPNetwork(text),
            let first = text.split(separator: "/").first.flatMap({ IPAddress(String($0)) })
        {
            require(network.contains(first), "a network contains its own address")
        }
        if let target = RequestTarget(text) {
            require(target.path.hasPrefix("/"), "a target has a path")
        }
    }
}
