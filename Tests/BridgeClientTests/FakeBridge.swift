import ABI
import EthereumNode
import FakeNode
import JSON
import Primitives
import TEEBridge

@testable import BridgeClient

let bridge = Address(checked: [UInt8](repeating: 0xB1, count: 20))

/// A TEEBridge contract as a node shows it, each part of which a test may change.
struct FakeBridge: Sendable {
    var chainId = "0x2105"
    var code: FakeNode.Reply = .text("0x6080")
    /// What calls of the functions answer, by their selectors; the others revert without a word.
    var answers: [[UInt8]: @Sendable (_ arguments: [UInt8]) -> FakeNode.Reply] = [:]
    var takesBatches = true
    /// The words of its storage, at any block; nil for a node that shows none.
    var storage: [Bytes32: Bytes32]?

    func answer(_ call: FakeNode.Call) -> FakeNode.Reply {
        switch call.method {
        case "eth_chainId": return .text(chainId)
        case "eth_getCode": return code
        case "eth_blockNumber": return .text("0x64")
        case "eth_getStorageAt":
            guard let storage else { return .error(-32601, "no such method") }
            let slot = try? Bytes32(hex: call.parameters[1].string ?? "")
            return .text((slot.flatMap { storage[$0] } ?? .zero).hex)
        case "eth_call":
            let data = (try? Hex.decode(call.request?["data"]?.string ?? "")) ?? []
            if case .result(let result) = code, result == .string("0x") { return code }
            let answer = answers[Array(data.prefix(4))]
            return answer?(Array(data.dropFirst(4))) ?? .error(3, "execution reverted", data: "0x")
        default: return .error(-32601, "no such method")
        }
    }

    /// The bridge with a function that answers so.
    func with(_ function: ABIFunction, _ reply: FakeNode.Reply) -> FakeBridge {
        var bridge = self
        bridge.answers[function.selector.bytes] = { _ in reply }
        return bridge
    }

    /// The bridge with an inbox that can be counted and read one by one.
    func withInbox(count: UInt64) -> FakeBridge {
        var bridge = self
        bridge.answers[TEEBridge.onboardingCount.selector.bytes] = { _ in .text(UInt256(count).word.hex) }
        bridge.answers[TEEBridge.onboardingMessage.selector.bytes] = { arguments in
            let last = arguments.suffix(32)
            guard let index = UInt256(bigEndian: last.span)?.uint64, index < count else {
                return .error(3, "execution reverted", data: "0x")
            }
            return .text(message(index).hex)
        }
        return bridge
    }

    /// The bridge with an inbox that stands in its storage as Solidity writes it, and can only be read whole by calls,
    /// which fails as it does when the inbox is large. Of each message the sender is its index and 1.
    func withStoredInbox(of member: Bytes32, _ payloads: [[UInt8]]) -> FakeBridge {
        var bridge = withStoredInbox(of: member, count: UInt64(payloads.count))
        for (index, payload) in payloads.enumerated() { bridge.store(payload, at: UInt64(index), of: member) }
        return bridge
    }

    /// The same, with nothing written yet of any message.
    func withStoredInbox(of member: Bytes32, count: UInt64) -> FakeBridge {
        var bridge = with(TEEBridge.isMember, .text(UInt256(1).word.hex))
        let layout = StorageLayout.solidity
        bridge.storage = [
            layout.inboxSize(of: member).word: UInt256(count).word,
            layout.codeId(of: member).word: UInt256(7).word,
        ]
        return bridge
    }

    /// Writes one message.
    mutating func store(_ payload: [UInt8], at index: UInt64, of member: Bytes32) {
        let slot = StorageLayout.solidity.message(index, of: member)
        storage?[slot.word] = UInt256(index + 1).word
        let size = slot.advanced(by: 1)
        guard payload.count > 31 else {
            let padding = [UInt8](repeating: 0, count: 31 - payload.count)
            storage?[size.word] = Bytes32(checked: payload + padding + [UInt8(payload.count * 2)])
            return
        }
        storage?[size.word] = UInt256(UInt64(payload.count * 2 + 1)).word
        for place in 0..<(payload.count + 31) / 32 {
            let bytes = Array(payload.dropFirst(32 * place).prefix(32))
            storage?[size.solidityContent.advanced(by: UInt64(place)).word] =
                Bytes32(checked: bytes + [UInt8](repeating: 0, count: 32 - bytes.count))
        }
    }

    func run<Result>(
        chainId: UInt64? = nil, block: BlockSelector = .latest, _ body: (FakeNode, BridgeClient) throws -> Result
    ) throws -> Result {
        try withFakeNode(takesBatches: takesBatches, { answer($0) }) { fake, node in
            try body(fake, BridgeClient(node, bridge: bridge, chainId: chainId, block: block))
        }
    }
}

/// The message that stands at an index: from a member made of it, and with it as its payload.
func message(_ index: UInt64) -> [UInt8] {
    let word = UInt256(index + 1).word
    let values: [ABIValue] = [.word(word), .bytes(Array("\(index)".utf8))]
    return (try? ABI.encode(values, as: [.fixedBytes(.word), .bytes])) ?? []
}
