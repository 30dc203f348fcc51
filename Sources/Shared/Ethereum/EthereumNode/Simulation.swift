import JSON
import Primitives

/// What a call in a simulated block came to.
package struct SimulatedCall: Equatable, Sendable {
    /// What it returned, or reverted with.
    package let outcome: CallOutcome<[UInt8]>
    /// The gas it used, before refunds where the node says so.
    package let gasUsed: UInt64

    package init(outcome: CallOutcome<[UInt8]>, gasUsed: UInt64) {
        self.outcome = outcome
        self.gasUsed = gasUsed
    }

    init(json: JSONValue) throws(NodeError) {
        let method = "eth_simulateV1"
        let used = try json.member("gasUsed", of: method).number(of: method)
        // Newer nodes tell what was used before refunds, which is what the limit must allow.
        let most = try json.member("maxUsedGas").map { value throws(NodeError) in try value.number(of: method) }
        gasUsed = max(used, most ?? 0)
        let returned = try json.member("returnData", of: method).bytes(of: method)
        if try json.member("status", of: method).number(of: method) == 1 {
            outcome = .returned(returned)
        } else {
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
