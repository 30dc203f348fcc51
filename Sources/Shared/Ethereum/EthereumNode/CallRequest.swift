import JSON
package import Primitives
package import Transactions

/// A call to be tried without a transaction (eth_call, eth_estimateGas).
package struct CallRequest: Equatable, Sendable {
    /// The caller; nil for none in particular.
    package var from: Address?
    /// Who is called; nil creates a contract.
    package var to: Address?
    /// The call's data.
    package var data: [UInt8]
    /// What would be sent along, in wei.
    package var value: UInt256
    /// The storage that is paid for in advance.
    package var accessList: [AccessListEntry]

    package init(
        from: Address? = nil, to: Address?, data: [UInt8], value: UInt256 = 0, accessList: [AccessListEntry] = []
    ) {
        self.from = from
        self.to = to
        self.data = data
        self.value = value
        self.accessList = accessList
    }

    var json: JSONValue {
        .members([
            "from": (from?.checksummed).map(JSONValue.string), "to": (to?.checksummed).map(JSONValue.string),
            "data": .string(data.hex), "value": value == 0 ? nil : .string(value.quantity),
            "accessList": accessList.isEmpty ? nil : .array(accessList.map(\.json)),
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
        guard case .response(let code, let message, let data, _) = self else { return nil }
        guard code == 3 || message.lowercased().contains("revert") else { return nil }
        let text = data?.string ?? data?.object?["data"]?.string ?? "0x"
        return (try? Hex.decode(text)) ?? []
    }
}

extension RPCError {
    /// The most gas that the node tries, where it says that a call needs more: geth's words, and those of most nodes.
    package var gasAllowance: UInt64? {
        guard case .response(_, let message, _, _) = self,
            let words = message.lowercased().firstRange(of: "exceeds allowance")
        else { return nil }
        let rest = message.lowercased()[words.upperBound...].drop { !("0"..."9" ~= $0) }
        return UInt64(rest.prefix { "0"..."9" ~= $0 })
    }
}

/// Calls of one account that are tried one on top of the other in a single eth_call, for nodes without
/// eth_simulateV1.
///
/// The node is asked what would be if the account had code (the state overrides of eth_call), and this code makes the
/// calls: so they come from the account, and each sees what those before it did.
struct CallBundle {
    /// The account's code for the time of the question.
    let code: [UInt8]
    private let count: Int

    /// Room for a result: whether the call succeeded, and the gas that it used, a word each.
    private static let resultByteCount = 64

    /// - Returns: nil if one of the calls creates a contract.
    init?(_ calls: [CallRequest]) {
        count = calls.count
        let data = calls.flatMap(\.data)
        // All numbers are pushed with three bytes, so that the program's length is known before its addresses.
        let length = calls.count * Self.instructionsByteCount + Self.endByteCount
        guard length + data.count < 1 << 24, calls.allSatisfy({ $0.to != nil }) else { return nil }
        var program: [UInt8] = []
        var position = length
        let dataAddress = calls.count * Self.resultByteCount
        for (index, call) in calls.enumerated() {
            guard let to = call.to else { return nil }
            let result = index * Self.resultByteCount
            // CODECOPY(to: dataAddress, from: position, length)
            program += Self.push(call.data.count) + Self.push(position) + Self.push(dataAddress) + [0x39]
            // The gas before; CALL(gas, to, value, input: dataAddress, length, output: none); MSTORE(result)
            program += [0x5A] + Self.push(0) + Self.push(0) + Self.push(call.data.count) + Self.push(dataAddress)
            program += [0x7F] + call.value.word.bytes + [0x73] + to.bytes + [0x5A, 0xF1] + Self.push(result) + [0x52]
            // The gas before, less the gas now: GAS, SWAP1, SUB; MSTORE(result + 32)
            program += [0x5A, 0x90, 0x03] + Self.push(result + 32) + [0x52]
            position += call.data.count
        }
        // RETURN the results.
        program += Self.push(dataAddress) + Self.push(0) + [0xF3]
        code = program + data
    }

    private static let instructionsByteCount = 13 + 17 + 33 + 21 + 2 + 5 + 3 + 5
    private static let endByteCount = 9

    /// PUSH3.
    private static func push(_ number: Int) -> [UInt8] {
        [
            0x62, UInt8(truncatingIfNeeded: number >> 16), UInt8(truncatingIfNeeded: number >> 8),
            UInt8(truncatingIfNeeded: number),
        ]
    }

    /// For each call the gas that it used, or nil if it failed.
    func results(in returned: [UInt8]) -> [UInt64?]? {
        guard returned.count == count * Self.resultByteCount else { return nil }
        return (0..<count).map { index in
            let result = returned.dropFirst(index * Self.resultByteCount).prefix(Self.resultByteCount)
            guard result.prefix(32).last == 1 else { return nil }
            let gas = result.suffix(32)
            return UInt256(bigEndian: gas.span)?.uint64
        }
    }
}

extension NodeQuery where Answer == [UInt64?] {
    /// The gas that calls of one account use, each on top of those before it; nil for one that fails.
    ///
    /// - Returns: nil if one of them creates a contract.
    package static func bundle(_ calls: [CallRequest], from account: Address) -> NodeQuery? {
        guard let bundle = CallBundle(calls) else { return nil }
        let overrides = JSONValue.members([
            account.checksummed: .members(["code": .string(bundle.code.hex)])
        ])
        let call = CallRequest(to: account, data: [])
        return NodeQuery("eth_call", [call.json, BlockTag.pending.json, overrides]) { value throws(NodeError) in
            guard let results = bundle.results(in: try value.bytes(of: "eth_call")) else {
                throw .malformed(method: "eth_call", expected: "the results of the calls")
            }
            return results
        }
    }
}

/// What a call in a simulated block came to.
package struct SimulatedCall: Equatable, Sendable {
    /// What it returned, or reverted with.
    package let outcome: CallOutcome<[UInt8]>
    /// The gas it used, before refunds where the node says so.
    package let gasUsed: UInt64
    /// Whether it failed for want of gas, of which a call gets what the block has left.
    package let ranOutOfGas: Bool

    /// Reads a call's result in the answer to eth_simulateV1.
    ///
    /// - Throws: ``NodeError`` if a member is missing or malformed.
    init(json: JSONValue) throws(NodeError) {
        let method = "eth_simulateV1"
        let used = try json.member("gasUsed", of: method).number(of: method)
        // Newer nodes tell what was used before refunds, which is what the limit must allow.
        let most = try json.member("maxUsedGas").map { value throws(NodeError) in try value.number(of: method) }
        gasUsed = max(used, most ?? 0)
        let returned = try json.member("returnData", of: method).bytes(of: method)
        if try json.member("status", of: method).number(of: method) == 1 {
            (outcome, ranOutOfGas) = (.returned(returned), false)
        } else {
            let words = json.member("error")?.member("message")?.string?.lowercased()
            ranOutOfGas = words?.contains("out of gas") ?? false
            let data = json.member("error")?.member("data")?.string.flatMap { try? Hex.decode($0) }
            outcome = .reverted(data ?? returned)
        }
    }
}

extension NodeQuery where Answer == [SimulatedCall] {
    /// What calls come to, each on top of those before it, in a block after the pending one (eth_simulateV1, of
    /// geth's and others' execution APIs). Fees and nonces are not checked.
    package static func simulate(_ calls: [CallRequest]) -> NodeQuery {
        let block = JSONValue.members(["calls": .array(calls.map(\.json))])
        let request = JSONValue.members(["blockStateCalls": .array([block]), "validation": .bool(false)])
        return NodeQuery("eth_simulateV1", [request, BlockTag.pending.json]) { value throws(NodeError) in
            let method = "eth_simulateV1"
            let blocks = try value.elements(of: method)
            guard blocks.count == 1, let block = blocks.first else {
                throw .malformed(method: method, expected: "one block")
            }
            let results = try block.member("calls", of: method).elements(of: method)
            guard results.count == calls.count else {
                throw .malformed(method: method, expected: "one result a call")
            }
            return try results.map { result throws(NodeError) in try SimulatedCall(json: result) }
        }
    }
}
