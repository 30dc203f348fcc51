import EthereumNode
import Failures
import FakeNode
import JSON
import Primitives
import Testing

/// An address whose EIP-55 form is known: of the EIP's own examples.
let account = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"

/// What a node that answers everything with this reply gives for a question.
func ask<Answer>(_ query: NodeQuery<Answer>, replying reply: FakeNode.Reply) throws -> Answer {
    try withFakeNode({ _ in reply }) { _, node in try node.ask(query) }
}

/// An amount.
func wei(_ amount: UInt64) -> UInt256 { UInt256(amount) }

/// A value of JSON as it is written.
func json(_ text: String) throws -> JSONValue { try JSONParser.parse(text) }

@Suite(.timeLimit(.minutes(1)))
struct QueryTests {
    /// The method and the parameters that a question is sent with, as JSON.
    private func sent<Answer>(_ query: NodeQuery<Answer>) throws -> String {
        try withFakeNode({ _ in .error(-1, "no") }) { fake, node in
            _ = try? node.ask(query)
            let call = try #require(fake.calls.first)
            return "\(call.method) \(JSONValue.array(call.parameters).compact)"
        }
    }

    @Test func `questions are asked as the execution API has them`() throws {
        let address = try Address(account)
        let hash = Bytes32(checked: [UInt8](repeating: 0xAB, count: 32))
        #expect(try sent(NodeQuery<UInt64>.chainId) == "eth_chainId []")
        #expect(try sent(NodeQuery<UInt64>.blockNumber) == "eth_blockNumber []")
        #expect(
            try sent(.transactionCount(of: address, at: .pending))
                == #"eth_getTransactionCount ["\#(account)","pending"]"#)
        #expect(try sent(.balance(of: address, at: .latest)) == #"eth_getBalance ["\#(account)","latest"]"#)
        #expect(try sent(.code(of: address, at: .number(255))) == #"eth_getCode ["\#(account)","0xff"]"#)
        #expect(try sent(.code(of: address, at: .safe)) == #"eth_getCode ["\#(account)","safe"]"#)
        #expect(try sent(.code(of: address, at: .finalized)) == #"eth_getCode ["\#(account)","finalized"]"#)
        #expect(try sent(.send(raw: [2, 0xFF])) == #"eth_sendRawTransaction ["0x02ff"]"#)
        #expect(try sent(.receipt(of: hash)) == #"eth_getTransactionReceipt ["\#(hash.hex)"]"#)
        #expect(try sent(.feeHistory) == #"eth_feeHistory ["0xa","latest",[20]]"#)
    }

    @Test func `a call leaves out whom and what it has not`() throws {
        let address = try Address(account)
        let call = CallRequest(to: address, data: [1, 2])
        #expect(try sent(.call(call, at: .latest)) == #"eth_call [{"to":"\#(account)","data":"0x0102"},"latest"]"#)
        let creation = CallRequest(from: address, to: nil, data: [3], value: wei(1))
        #expect(
            try sent(.estimateGas(creation, at: .pending))
                == #"eth_estimateGas [{"from":"\#(account)","data":"0x03","value":"0x1"},"pending"]"#)
    }

    @Test func `answers are read`() throws {
        let address = try Address(account)
        #expect(try ask(.chainId, replying: .text("0x2105")) == 8453)
        #expect(try ask(.transactionCount(of: address, at: .latest), replying: .text("0x0")) == 0)
        let balance = try ask(.balance(of: address, at: .latest), replying: .text("0xde0b6b3a7640000"))
        #expect(balance == wei(1_000_000_000_000_000_000))
        #expect(try ask(.code(of: address, at: .latest), replying: .text("0x")) == [])
        #expect(try ask(.code(of: address, at: .latest), replying: .text("0x6080")) == [0x60, 0x80])
        let hash = "0x" + String(repeating: "cd", count: 32)
        #expect(try ask(.send(raw: [2]), replying: .text(hash)).hex == hash)
    }

    @Test(
        "a number that is none is malformed",
        arguments: [
            "null", "1", "true", "[]", "{}", #""""#, #""0x""#, #""1""#, #""0xg""#, #""-0x1""#,
            #""0x10000000000000000""#,
        ])
    func malformedNumber(text: String) throws {
        let reply = FakeNode.Reply.result(try json(text))
        let chain = NodeError.malformed(method: "eth_chainId", expected: "a quantity of at most 64 bits")
        #expect(throws: chain) { try ask(.chainId, replying: reply) }
        let call = CallRequest(to: nil, data: [])
        let gas = NodeError.malformed(method: "eth_estimateGas", expected: "a quantity of at most 64 bits")
        #expect(throws: gas) { try ask(.estimateGas(call, at: .latest), replying: reply) }
    }

    @Test("a number in another form is read", arguments: [#""0x10""#, #""0x010""#])
    func otherNumber(text: String) throws {
        #expect(try ask(.chainId, replying: .result(json(text))) == 16)
    }

    @Test(
        "bytes and hashes that are none are malformed",
        arguments: ["null", "1", #""""#, #""00""#, #""0x0""#, #""0xzz""#, "[]"])
    func malformedBytes(text: String) throws {
        let reply = FakeNode.Reply.result(try json(text))
        let address = try Address(account)
        let call = CallRequest(to: address, data: [])
        #expect(throws: NodeError.malformed(method: "eth_getCode", expected: "hex")) {
            try ask(.code(of: address, at: .latest), replying: reply)
        }
        #expect(throws: NodeError.malformed(method: "eth_call", expected: "hex")) {
            try ask(.call(call, at: .latest), replying: reply)
        }
        #expect(throws: NodeError.malformed(method: "eth_sendRawTransaction", expected: "32 bytes of hex")) {
            try ask(.send(raw: [2]), replying: reply)
        }
    }

    @Test func `a balance has at most 256 bits`() throws {
        let address = try Address(account)
        let most = "0x" + String(repeating: "f", count: 64)
        #expect(try ask(.balance(of: address, at: .latest), replying: .text(most)) == .max)
        #expect(throws: NodeError.malformed(method: "eth_getBalance", expected: "a quantity")) {
            try ask(.balance(of: address, at: .latest), replying: .text("0x1" + String(repeating: "0", count: 64)))
        }
    }

    @Test func `failures say what they mean for the exit status`() {
        #expect(NodeError.malformed(method: "eth_call", expected: "hex").kind == .serviceFailed)
        #expect(NodeError.methodFailed("eth_call", .response(code: 1, message: "", data: nil)).kind == .serviceFailed)
    }
}

@Suite(.timeLimit(.minutes(1)))
struct CallOutcomeTests {
    private let call = CallRequest(to: nil, data: [])

    @Test(
        "a revert is an answer, wherever the node puts its bytes",
        arguments: [
            // geth.
            (3, "execution reverted: bad", #""0x08c379a0""#, "0x08c379a0"), (3, "execution reverted", #""0x""#, "0x"),
            (3, "something else", #""0x01""#, "0x01"),
            // Hardhat and others nest it.
            (-32603, "VM Exception: reverted with reason", #"{"data":"0x1fdd7d63","message":"x"}"#, "0x1fdd7d63"),
            // Nothing but words.
            (-32000, "execution reverted", nil, "0x"), (-32015, "VM execution error: REVERT", nil, "0x"),
            (-32000, "execution reverted", "{}", "0x"), (-32000, "execution reverted", "7", "0x"),
            // Parity puts words in front.
            (-32015, "VM execution error. Reverted", #""Reverted 0x08c379a0""#, "0x"),
        ] as [(Int, String, String?, String)])
    func reverted(code: Int, message: String, data: String?, expected: String) throws {
        let reply = FakeNode.Reply.error(code, message, data: try data.map(json))
        let bytes = try Hex.decode(expected)
        #expect(try ask(.call(call, at: .latest), replying: reply) == .reverted(bytes))
        #expect(try ask(.estimateGas(call, at: .latest), replying: reply) == .reverted(bytes))
    }

    @Test func `a call that returned and one that needs gas are answers too`() throws {
        #expect(try ask(.call(call, at: .latest), replying: .text("0x0102")) == .returned([1, 2]))
        #expect(try ask(.estimateGas(call, at: .latest), replying: .text("0x5208")) == .returned(21000))
    }

    @Test(
        "other errors are failures",
        arguments: [(-32000, "insufficient funds for transfer"), (-32000, "out of gas"), (-32601, "no such method")])
    func failed(code: Int, message: String) throws {
        #expect(throws: NodeError.methodFailed("eth_call", .response(code: code, message: message, data: nil))) {
            try ask(.call(call, at: .latest), replying: .error(code, message))
        }
    }

    @Test func `a revert that speaks of a rate limit or an outage is an answer`() throws {
        let call = CallRequest(to: nil, data: [])
        for message in ["execution reverted: rate limit exceeded", "execution reverted: temporarily unavailable"] {
            #expect(try ask(.call(call, at: .latest), replying: .error(3, message)) == .reverted([]))
            #expect(!RPCError.response(code: 3, message: message, data: nil).isTransient)
        }
    }

    @Test func `a revert is no answer to another question`() throws {
        #expect(
            throws: NodeError.methodFailed("eth_chainId", .response(code: 3, message: "execution reverted", data: nil))
        ) {
            try ask(.chainId, replying: .error(3, "execution reverted"))
        }
    }
}
