import ABI
import EthereumNode
import Failures
import FakeChain
import FakeNode
import HTTP
import JSON
import LoopbackServer
import Preparation
import Primitives
import Secp256k1
import Sending
import TEEBridge
import TestSupport
import Testing
import Transactions

/// What a sender said and did about one request.
private struct Outcome {
    /// The hashes of what may be on its way.
    var sent: [Bytes32] = []
    var record: SentRecord?
    var error: (any Error)?
    var calls: [FakeNode.Call] = []

    var methods: [String] { calls.map(\.method) }
    /// How many times a transaction was handed over.
    var sendCount: Int { methods.count { $0 == "eth_sendRawTransaction" } }
    var failure: (any UserFacingError)? { error as? any UserFacingError }
}

/// Sends a request on a chain.
private func send(
    _ request: TransactionRequest = .complete, on chain: FakeChain, confirmations: UInt64 = 1,
    timeout: Duration = .seconds(20)
) throws -> Outcome {
    try chain.run { fake, node in
        var policy = SendPolicy()
        policy.confirmations = confirmations
        policy.timeout = timeout
        let sent = Sent()
        let sender = try Sender(key: try testKey(), policy: policy, observer: sent, node: node)
        var outcome = Outcome()
        do {
            _ = try sender.send(Requests([request])) { outcome.record = $0 }
        } catch { outcome.error = error }
        outcome.calls = fake.calls
        outcome.sent = sent.hashes
        return outcome
    }
}

/// One after the other: they all send with one key on one chain, whose nonces only one may have at a time.
@Suite(.timeLimit(.minutes(1)), .serialized)
struct SenderTests {
    @Test func `a transaction is sent, told at once, and waited for`() throws {
        let hash = try completeHash()
        let chain = FakeChain(receipts: [.result(.null), .result(.null), FakeChain.receipt(of: hash)])
        let outcome = try send(on: chain)
        #expect(outcome.sent == [hash])
        #expect(outcome.record?.status == .success)
        #expect(outcome.record?.transactionHash == hash)
        #expect(outcome.record?.receipt?.blockNumber == 100)
        #expect(outcome.sendCount == 1)
        #expect(outcome.methods.count { $0 == "eth_getTransactionReceipt" } == 3)
        let raw = try #require(outcome.calls.first { $0.method == "eth_sendRawTransaction" })
        #expect(try SignedTransaction(raw: Hex.decode(raw.parameters.first?.string ?? "")).sender == Address(account))
    }

    @Test func `what is needless or would revert is not sent`() throws {
        let unless = TransactionRequest.Precondition(to: contract, data: [], equals: [1])
        let needless = try send(.open.with { $0.unless = unless }, on: FakeChain(call: .text("0x01")))
        #expect(needless.record?.status == .skipped)
        let reverting = try send(.open, on: FakeChain(gas: .error(3, "execution reverted", data: "0x1fdd7d63")))
        #expect(reverting.record?.status == .reverted)
        #expect(reverting.record?.revert.map { TEEBridge.answers.decodeRevert($0).description } == "MemberNotFound()")
        #expect(reverting.record?.transactionHash == nil)
        for outcome in [needless, reverting] {
            #expect(outcome.sent.isEmpty)
            #expect(outcome.sendCount == 0)
        }
    }

    @Test func `a node that gives another hash is doubted, and the chain is asked for ours`() throws {
        let other = Bytes32(checked: [UInt8](repeating: 0xEE, count: 32))
        let outcome = try send(
            on: FakeChain(isKnown: false, send: .text(other.hex), receipts: [.result(.null)]),
            timeout: .milliseconds(60))
        #expect(outcome.record?.status == .pending)
        #expect(outcome.record?.doubt?.contains(other.hex) == true)
        #expect(outcome.sent == [try completeHash()])
    }

    @Test(
        "an error that is no rejection known by its words leaves open whether the transaction was taken",
        arguments: [
            .error(-32603, "upstream request timeout"), .error(-32000, "request timed out"),
            .error(-32603, "internal error"),
            .instead(.answer(status: "504 Gateway Timeout", #"{"error":{"code":-32603,"message":"timeout"}}"#)),
        ] as [FakeNode.Reply])
    func doubtfulErrors(reply: FakeNode.Reply) throws {
        let hash = try completeHash()
        let outcome = try send(on: FakeChain(send: reply, receipts: [.result(.null), FakeChain.receipt(of: hash)]))
        #expect(outcome.record?.status == .success)
        #expect(outcome.sent == [hash])
        #expect(outcome.sendCount == 1)
    }

    @Test(
        "a server that did not take the call took no transaction",
        arguments: ["429 Too Many Requests", "403 Forbidden", "404 Not Found"])
    func rejectedByTheServer(status: String) throws {
        let chain = FakeChain(isKnown: false, send: .instead(.answer(status: status, "")))
        let outcome = try send(on: chain, timeout: .milliseconds(300))
        #expect(outcome.failure?.kind == .serviceFailed)
        #expect(outcome.record == nil)
    }

    @Test(
        "a rejection by a rule is told, and nothing is waited for",
        arguments: ["exceeds block gas limit", "intrinsic gas too low", "oversized data"])
    func rejected(message: String) throws {
        let outcome = try send(on: FakeChain(isKnown: false, send: .error(-32000, message)))
        #expect(outcome.error as? SendError == .rejected(message: message))
        #expect(outcome.failure?.kind == .serviceFailed)
        #expect(outcome.failure?.description == "the node rejected the transaction: \"\(message)\"")
        #expect(outcome.record == nil)
        #expect(outcome.sendCount == 1)
    }

    @Test(
        "a rejection for want of ether is an answer, and says what is there and what is needed",
        arguments: ["insufficient funds for gas * price + value", "InsufficientFunds", "not enough funds for gas"])
    func rejectedForFunds(message: String) throws {
        let outcome = try send(on: FakeChain(isKnown: false, send: .error(-32000, message)))
        guard case .fundsRefused(_, let balance, let needed, message)? = outcome.error as? PreparationError else {
            Issue.record("\(String(describing: outcome.error))")
            return
        }
        #expect(needed > 0 && needed <= balance)
        #expect(outcome.failure?.kind == .negativeResult)
        #expect(outcome.sendCount == 1)
    }

    @Test(
        "a nonce that is said to be taken, by a transaction that no block shows, leaves the outcome open",
        arguments: ["nonce too low", "OldNonce", "replacement transaction underpriced"])
    func takenBySomethingUnseen(message: String) throws {
        for count in ["0x7", "0x8"] {
            let chain = FakeChain(nonce: .text(count), isKnown: false, send: .error(-32000, message))
            let outcome = try send(on: chain, timeout: .milliseconds(400))
            #expect(outcome.record?.status == .pending)
            #expect(outcome.sendCount == 1)
        }
    }

    @Test(
        "a rejection of what the node knows is none: a gateway handed it on twice",
        arguments: ["nonce too low", "insufficient funds for gas", "replacement transaction underpriced"])
    func rejectedAndKnown(message: String) throws {
        let receipt = FakeChain.receipt(of: try completeHash())
        for chain in [
            FakeChain(isKnown: true, send: .error(-32000, message), receipts: [.result(.null), receipt]),
            FakeChain(isKnown: false, send: .error(-32000, message), receipts: [receipt]),
        ] {
            let outcome = try send(on: chain)
            #expect(outcome.record?.status == .success)
            #expect(outcome.sendCount == 1)
        }
    }

    @Test(
        "a node that has the transaction already is as good as one that takes it",
        arguments: ["already known", "ALREADY KNOWN", "known transaction: 0x00", "Transaction already imported"])
    func alreadyKnown(message: String) throws {
        let hash = try completeHash()
        let outcome = try send(
            on: FakeChain(send: .error(-32000, message), receipts: [FakeChain.receipt(of: hash)]))
        #expect(outcome.record?.status == .success)
        #expect(outcome.sent == [hash])
        #expect(outcome.sendCount == 1)
    }

    @Test(
        "where the answer is lost the chain is asked, and nothing is sent again",
        arguments: [
            .instead(.reset), .instead(.close), .instead(.answer(status: "502 Bad Gateway", "")),
            .instead(.answer("<html>")), .text("nonsense"), .instead(.answer("{}")), .result(.null),
        ] as [FakeNode.Reply])
    func lostAnswer(reply: FakeNode.Reply) throws {
        let hash = try completeHash()
        let outcome = try send(
            on: FakeChain(send: reply, receipts: [.result(.null), FakeChain.receipt(of: hash)]))
        #expect(outcome.record?.status == .success)
        #expect(outcome.sent == [hash])
        #expect(outcome.sendCount == 1)
    }

    @Test func `a node that cannot be reached was sent nothing`() throws {
        let endpoint = try Endpoint(url: "http://127.0.0.1:\(LoopbackServer.closedPort())")
        let sender = try Sender(
            key: try testKey(), policy: SendPolicy(), observer: Sent(), node: EthereumNode([RPCClient(endpoint)]))
        let error = #expect(throws: NodeError.self) { try sender.send(.complete) }
        #expect(error?.kind == .serviceFailed)
    }

    @Test func `a receipt of another transaction is not taken for ours`() throws {
        let other = Bytes32(checked: [UInt8](repeating: 0xEE, count: 32))
        let outcome = try send(on: FakeChain(receipts: [FakeChain.receipt(of: other)]), timeout: .milliseconds(60))
        #expect(outcome.record?.status == .pending)
        #expect(outcome.record?.doubt?.contains(other.hex) == true)
    }

    @Test func `when the time is up the transaction is pending`() throws {
        let hash = try completeHash()
        let outcome = try send(on: FakeChain(receipts: [.result(.null)]), timeout: .milliseconds(120))
        #expect(outcome.record?.status == .pending)
        #expect(outcome.record?.transactionHash == hash)
        #expect(outcome.record?.receipt == nil)
        #expect(outcome.error == nil)
        // No time at all still asks once.
        let atOnce = try send(on: FakeChain(receipts: [FakeChain.receipt(of: hash)]), timeout: .zero)
        #expect(atOnce.record?.status == .success)
    }

    @Test func `a node that fails during the wait is asked again`() throws {
        let hash = try completeHash()
        let chain = FakeChain(
            receipts: [
                .instead(.reset), .error(-32005, "limit"), .nothing, .result(.number(7)), FakeChain.receipt(of: hash),
            ])
        let outcome = try send(on: chain)
        #expect(outcome.record?.status == .success)
        #expect(outcome.sendCount == 1)
    }

    @Test(
        "confirmations are counted from the transaction's own block",
        arguments: [
            (1, ["0x64"], 1), (3, ["0x64", "0x65", "0x66"], 3), (2, ["0x64", "0x70"], 2),
            // The receipt is ahead: a balancer's other node is behind, or its block is only promised.
            (1, ["0x63", "0x63", "0x64"], 3), (2, ["0x63", "0x65"], 2), (0, ["0x63"], 1), (0, ["0x64"], 1),
        ] as [(UInt64, [String], Int)])
    func confirmations(count: UInt64, heads: [String], requests: Int) throws {
        let chain = FakeChain(
            receipts: [FakeChain.receipt(of: try completeHash())], heads: heads.map { .text($0) })
        let outcome = try send(on: chain, confirmations: count)
        #expect(outcome.record?.status == .success)
        #expect(outcome.methods.count { $0 == "eth_blockNumber" } == requests)
        #expect(outcome.record?.isPreconfirmed == (heads.last == "0x63"))
    }

    @Test func `a receipt without a block is no success, but a promise`() throws {
        let chain = FakeChain(receipts: [FakeChain.receipt(of: try completeHash(), blockHash: .zero)])
        let outcome = try send(on: chain, timeout: .milliseconds(100))
        #expect(outcome.record?.status == .pending)
        let accepted = try send(on: chain, confirmations: 0)
        #expect(accepted.record?.status == .success && accepted.record?.isPreconfirmed == true)
    }

    @Test func `what a node postponed is handed over again after half a second, and nothing is polled until then`()
        throws
    {
        let hash = try completeHash()
        let chain = FakeChain(
            isKnown: false, send: .error(-32000, "txpool is full"), receipts: [.result(.null)])
        let outcome = try send(on: chain, timeout: .milliseconds(1300))
        #expect(outcome.sendCount == 3)
        #expect(outcome.methods.count { $0 == "eth_blockNumber" } <= 4)
        #expect(outcome.sent.allSatisfy { $0 == hash })
    }

    @Test func `a block number beyond all others stops nothing`() throws {
        let receipt = FakeChain.receipt(of: try completeHash(), block: "0x0")
        let chain = FakeChain(receipts: [receipt], heads: [.text("0xffffffffffffffff")])
        #expect(try send(on: chain, confirmations: 2).record?.status == .success)
    }

    @Test func `too few confirmations in time are pending`() throws {
        let chain = FakeChain(receipts: [FakeChain.receipt(of: try completeHash())])
        let outcome = try send(on: chain, confirmations: 2, timeout: .milliseconds(100))
        #expect(outcome.record?.status == .pending)
    }

    @Test func `a transaction that reverted is tried again as a call, to learn why`() throws {
        let hash = try completeHash()
        let chain = FakeChain(
            call: .error(3, "execution reverted", data: "0x30cd7471"),
            receipts: [FakeChain.receipt(of: hash, isSuccess: false)])
        let outcome = try send(on: chain)
        #expect(outcome.record?.status == .reverted)
        #expect(outcome.record?.transactionHash == hash)
        #expect(outcome.record?.revert.map { TEEBridge.answers.decodeRevert($0).description } == "NotOwner()")
        #expect(outcome.record?.revert == [0x30, 0xCD, 0x74, 0x71])
        let call = try #require(outcome.calls.last)
        #expect(call.method == "eth_call")
        #expect(call.request?["from"] == .string(account))
        #expect(call.request?["data"] == "0x01020304")
        #expect(call.parameters.last == "0x64")
    }

    @Test(
        "a reason that is not found is left out",
        arguments: [.text("0x"), .error(-32000, "missing trie node"), .instead(.reset)] as [FakeNode.Reply])
    func noReason(reply: FakeNode.Reply) throws {
        let chain = FakeChain(
            call: reply, receipts: [FakeChain.receipt(of: try completeHash(), isSuccess: false)])
        let outcome = try send(on: chain)
        #expect(outcome.record?.status == .reverted)
        #expect(outcome.record?.revert == nil)
        // In the block, and before it.
        #expect(outcome.calls.suffix(2).map(\.parameters.last) == ["0x64", "0x63"])
    }
}

extension Sender {
    /// The record of one request.
    fileprivate func send(_ request: TransactionRequest) throws -> SentRecord {
        var records: [SentRecord] = []
        _ = try send(Requests([request])) { records.append($0) }
        return try #require(records.count == 1 ? records.first : nil)
    }
}
