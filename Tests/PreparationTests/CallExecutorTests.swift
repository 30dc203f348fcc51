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
