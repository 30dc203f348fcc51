import JSON
package import Primitives

/// A call to be tried without a transaction (eth_call, eth_estimateGas).
package struct CallRequest: Equatable, Sendable {
    /// Who would call; nil for nobody in particular.
    package var from: Address?
    /// Who is called; nil creates a contract.
    package var to: Address?
    /// The call's data.
    package var data: [UInt8]
    /// What would be sent along, in wei.
    package var value: Quantity

    package init(from: Address? = nil, to: Address?, data: [UInt8], value: Quantity = .zero) {
        self.from = from
        self.to = to
        self.data = data
        self.value = value
    }

    var json: JSONValue {
        .members([
            "from": (from?.checksummed).map(JSONValue.string), "to": (to?.checksummed).map(JSONValue.string),
            "data": .string(data.hex), "value": value == .zero ? nil : .string(value.description),
        ])
    }
}

/// How a call that was tried ended.
package enum CallOutcome<Value: Sendable & Equatable>: Sendable, Equatable {
    /// It returned.
    case returned(Value)
    /// It reverted, and these are the bytes that it reverted with.
    case reverted([UInt8])
}

extension NodeQuery where Answer == CallOutcome<[UInt8]> {
    /// What a call returns.
    package static func call(_ request: CallRequest, at block: BlockTag) -> NodeQuery {
        NodeQuery("eth_call", [request.json, block.json], parseError: { $0.revertData.map(CallOutcome.reverted) }) {
            value throws(NodeError) in .returned(try value.bytes(of: "eth_call"))
        }
    }
}

extension NodeQuery where Answer == CallOutcome<UInt64> {
    /// How much gas a call needs.
    package static func estimateGas(_ request: CallRequest, at block: BlockTag) -> NodeQuery {
        NodeQuery(
            "eth_estimateGas", [request.json, block.json], parseError: { $0.revertData.map(CallOutcome.reverted) }
        ) { value throws(NodeError) in .returned(try value.number(of: "eth_estimateGas")) }
    }
}

extension RPCError {
    /// The bytes that a call reverted with, if this error says that one did.
    ///
    /// Code 3 is geth's; others say so in words, and put the data in `data` or one level below it.
    fileprivate var revertData: [UInt8]? {
        guard case .response(let code, let message, let data) = self else { return nil }
        guard code == 3 || message.lowercased().contains("revert") else { return nil }
        let text = data?.string ?? data?.object?["data"]?.string ?? "0x"
        return (try? Hex.decode(text)) ?? []
    }
}
