import EthereumNode
import FakeChain
import FakeNode
import JSON
import LoopbackServer
import Preparation
import Primitives
import TEEBridge
import Testing
import Transactions

@Suite(.timeLimit(.minutes(1)))
struct CallExecutorTests {
    /// The record of a call on a chain, as JSON.
    private func call(
        _ request: TransactionRequest = .open, on chain: FakeChain, chainId: UInt64? = nil
    ) throws -> String {
        try chain.run { fake, node throws in
            let record = try CallExecutor(chainId: chainId).call(request, asking: node)
            #expect(fake.server.requests.count == 1)
            return record.json(decoding: TEEBridge.answers).compact
        }
    }

    @Test func `a call's answer is the result, and a revert is named`() throws {
        #expect(
            try call(on: FakeChain(call: .text("0x2a")), chainId: 8453)
                == #"{"label":"test","status":"called","result":"0x2a"}"#)
        #expect(
            try call(on: FakeChain(call: .error(3, "execution reverted", data: "0x30cd7471")))
                == #"{"label":"test","status":"reverted","revert":{"name":"NotOwner","args":{},"data":"0x30cd7471"}}"#)
    }

    @Test func `the account that calls is the request's, or the operator's`() throws {
        let (owner, other) = (try Address(account), Address(checked: [UInt8](repeating: 0x52, count: 20)))
        func caller(_ request: TransactionRequest, sender: Address?) throws -> JSONValue? {
            try FakeChain().run { fake, node throws in
                _ = try CallExecutor(chainId: nil, sender: sender).call(request, asking: node)
                return fake.calls.first { $0.method == "eth_call" }?.request?["from"]
            }
        }
        let named = TransactionRequest.open.with { $0.from = owner }
        #expect(try caller(.open, sender: nil) == nil)
        #expect(try caller(.open, sender: owner) == .string(account))
        #expect(try caller(named, sender: nil) == .string(account))
        #expect(try caller(named, sender: owner) == .string(account))
        #expect(throws: PreparationError.wrongSender(label: "test", from: owner, sender: other)) {
            try caller(named, sender: other)
        }
    }

    @Test func `another chain and an account without code are refused`() throws {
        #expect(throws: PreparationError.wrongChain(expected: 1, actual: 8453)) {
            try call(on: FakeChain(), chainId: 1)
        }
        #expect(throws: PreparationError.wrongChain(expected: 1, actual: 8453)) {
            try call(.open.with { $0.chainId = 1 }, on: FakeChain())
        }
        #expect(throws: PreparationError.noContract(contract)) { try call(on: FakeChain(code: .text("0x"))) }
    }
}
