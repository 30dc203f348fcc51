import JSON
import Primitives
import Transactions

/// Where in a chain something to decode stands, as far as the node's answer or the record says so.
struct ChainPlace {
    private var members: [(name: String, value: JSONValue)] = []

    /// No place is known.
    init() {}

    /// The place of a transaction: from whom and to whom it is, its block and its hash. A request has no hash, and no
    /// place.
    ///
    /// - Throws: `JSONError` if a member is malformed. Null, as nodes say for what is in no block yet, counts as absent.
    init(ofTransaction json: JSONObject) throws(JSONError) {
        guard json["hash"] != nil else { return }
        try keepAddress("from", of: json)
        try keepAddress("to", of: json)
        try keepNumber("blockNumber", of: json)
        try keepHash(of: json, ["hash"])
    }

    /// The place of a receipt or of a record of tx-send, which its logs share.
    ///
    /// - Throws: as ``init(ofTransaction:)``.
    init(ofReceipt json: JSONObject) throws(JSONError) {
        try keepNumber("blockNumber", of: json)
        // A block has a hash too, which is not that of a transaction.
        let isBlock = json["number"] != nil || json["parentHash"] != nil
        try keepHash(of: json, ["transactionHash"] + (isBlock ? [] : ["hash"]))
    }

    /// The place of a log: what it says itself, and otherwise what the receipt says that it is in.
    ///
    /// - Throws: as ``init(ofTransaction:)``.
    init(ofLog json: JSONObject, in receipt: ChainPlace) throws(JSONError) {
        try keepNumber("blockNumber", of: json)
        try keepHash(of: json, ["transactionHash"])
        members += receipt.members.filter { member in !members.contains { $0.name == member.name } }
        // ethers has a shorter name for it.
        try keepNumber("logIndex", of: json, from: json["logIndex"] == nil ? "index" : "logIndex")
        // Its block was undone.
        if json["removed"] == .bool(true) { members.append(("removed", .bool(true))) }
    }

    /// An object with the place's members after its own.
    func appended(to json: JSONValue) -> JSONValue {
        guard let object = json.object else { return json }
        return .object(JSONObject(members: object.members + members.filter { object[$0.name] == nil }))
    }

    private mutating func keepAddress(_ name: String, of json: JSONObject) throws(JSONError) {
        guard let value = json[name], !value.isNull else { return }
        members.append((name, .string(try json.parsed(name, as: "an address", Address.init).checksummed)))
    }

    private mutating func keepHash(of json: JSONObject, _ names: [String]) throws(JSONError) {
        guard let name = names.first(where: { json[$0].map { !$0.isNull } ?? false }) else { return }
        let hash = try json.parsed(name, as: "32 bytes of hex") { text throws(PrimitiveError) in try Bytes32(hex: text)
        }
        members.append(("transactionHash", .string(hash.hex)))
    }

    private mutating func keepNumber(
        _ name: String, of json: JSONObject, from member: String? = nil
    ) throws(JSONError) {
        let member = member ?? name
        guard json[member]?.isNull == false else { return }
        // Explorers write 0 so.
        let number = json[member] == .string("0x") ? 0 : try json.smallQuantity(member)
        guard let number else { return }
        members.append((name, .string(number.quantity)))
    }
}
