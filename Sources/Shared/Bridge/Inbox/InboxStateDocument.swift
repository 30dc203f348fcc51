import BridgeClient
import Envelope
import JSON
import Primitives

/// The document that a state is kept as:
///
///     {"version":1,"chainId":8453,"bridge":"0x…","member_id":"0x…","next":7,"waiting":[3],
///      "seen":[{"from":"0x…","message_id":"0x…"}],"digests":[{"index":6,"digest":"0x…"}],
///      "head":123}
///
/// `seen` and `digests` have the oldest first. `head` is absent if no node has shown its newest block.
struct InboxStateDocument: Equatable {
    /// The version of the document.
    static let version = JSONValue.number("1")

    /// Whose messages the state is of.
    let address: InboxAddress
    let state: InboxState

    init(_ state: InboxState, of address: InboxAddress) {
        self.address = address
        self.state = state
    }

    var json: JSONValue {
        .members([
            "version": Self.version, "chainId": .number(address.chainId),
            "bridge": .string(address.bridge.description), "member_id": .string(address.member.hex),
            "next": .number(state.next), "waiting": .array(state.waiting.sorted().map(JSONValue.number)),
            "seen": .array(
                state.seen.entries.map {
                    .members(["from": .string($0.from.hex), "message_id": .string($0.messageId.hex)])
                }),
            "digests": .array(
                state.marks.map { .members(["index": .number($0.index), "digest": .string($0.digest.hex)]) }),
            "head": state.head.map(JSONValue.number),
        ])
    }

    /// - Throws: `JSONError`, also for a document that cannot have come from a state.
    init(_ object: JSONObject) throws(JSONError) {
        address = InboxAddress(
            chainId: try object.number("chainId"),
            bridge: try object.parsed("bridge", as: "an address") { text throws(PrimitiveError) in
                try Address(text)
            }, member: try object.word("member_id"))
        let next = try object.number("next")
        let waiting = try object.array("waiting").compactMap(\.index)
        guard waiting.count == (try object.array("waiting").count), Set(waiting).count == waiting.count,
            waiting.count <= InboxState.waitingLimit, waiting.allSatisfy({ $0 < next })
        else {
            throw object.illTyped(
                "waiting", expected: "\(InboxState.waitingLimit) different indices at most, below next")
        }
        let seen = try object.objects("seen").map { entry throws(JSONError) in
            ReplayCache.Entry(from: try entry.word("from"), messageId: try entry.word("message_id"))
        }
        let digests = try object.objects("digests").map { entry throws(JSONError) in
            MessageMark(index: try entry.number("index"), digest: try entry.word("digest"))
        }
        let head = object["head"] == nil ? nil : try object.number("head")
        state = InboxState(next: next, waiting: Set(waiting), seen: ReplayCache(seen), marks: digests, head: head)
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

    fileprivate func objects(_ name: String) throws(JSONError) -> [JSONObject] {
        try array(name).map { value throws(JSONError) in
            guard let object = value.object else { throw illTyped(name, expected: "an array of objects") }
            return object
        }
    }
}
