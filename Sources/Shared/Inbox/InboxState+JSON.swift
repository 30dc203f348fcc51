import Envelope
package import JSON
import Primitives

extension InboxState {
    /// The version of the document.
    static let version = "1"

    /// The document that a state is kept as:
    ///
    ///     {"version":1,"chainId":8453,"bridge":"0x…","member_id":"0x…","next":7,"waiting":[3],
    ///      "seen":[{"from":"0x…","message_id":"0x…"}],"block":{"number":9,"hash":"0x…"}}
    ///
    /// `seen` has the oldest first; `block` may be absent.
    package var json: JSONValue {
        .members([
            "version": .number(Self.version), "chainId": .number(address.chainId),
            "bridge": .string(address.bridge.description), "member_id": .string(address.member.hex),
            "next": .number(next), "waiting": .array(waiting.sorted().map(JSONValue.number)),
            "seen": .array(
                seen.entries.map {
                    .members(["from": .string($0.from.hex), "message_id": .string($0.messageId.hex)])
                }),
            "block": block.map { .members(["number": .number($0.number), "hash": .string($0.hash.hex)]) },
        ])
    }

    /// - Throws: `JSONError`, also for a document that cannot have come from a state.
    package init(_ object: JSONObject) throws(JSONError) {
        let next = try object.number("next")
        let waiting = try object.array("waiting").map { value throws(JSONError) in
            guard let index = value.index, index < next else {
                throw object.illTyped("waiting", expected: "indices below next")
            }
            return index
        }
        guard waiting.count <= Self.waitingLimit, Set(waiting).count == waiting.count else {
            throw object.illTyped("waiting", expected: "\(Self.waitingLimit) different indices at most")
        }
        let seen = try object.array("seen").map { value throws(JSONError) in
            guard let entry = value.object else { throw object.illTyped("seen", expected: "an array of objects") }
            return SeenMessages.Entry(from: try entry.word("from"), messageId: try entry.word("message_id"))
        }
        let block = object["block"] == nil ? nil : try object.object("block")
        self.init(
            of: InboxAddress(
                chainId: try object.number("chainId"),
                bridge: try object.parsed("bridge", as: "an address") { text throws(PrimitiveError) in
                    try Address(text)
                }, member: try object.word("member_id")),
            next: next, waiting: Set(waiting), seen: SeenMessages(seen),
            block: try block.map { block throws(JSONError) in
                BlockMark(number: try block.number("number"), hash: try block.word("hash"))
            })
    }
}

extension JSONValue {
    fileprivate var index: UInt64? { if case .number(let digits) = self { UInt64(digits) } else { nil } }
}

extension JSONObject {
    fileprivate func number(_ name: String) throws(JSONError) -> UInt64 {
        guard let number = try required(name).index else { throw illTyped(name, expected: "a whole number") }
        return number
    }

    fileprivate func word(_ name: String) throws(JSONError) -> Bytes32 {
        try parsed(name, as: "32 bytes of hex") { text throws(PrimitiveError) in try Bytes32(hex: text) }
    }
}
