import JSON
package import Primitives

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
            return (try? Quantity(bigEndian: Array(result.suffix(32))))?.uint64
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
