package import ABI
package import EthereumNode
package import JSON
package import Primitives
package import Transactions

/// What became of a request: the document that tx-send prints, one for each request.
package struct SentRecord: Equatable, Sendable {
    /// How the request ended.
    package enum Status: String, Sendable {
        /// In a block, and successful.
        case success
        /// In a block and reverted; or not sent, because it would revert.
        case reverted
        /// Not in a block, and never will be: another transaction of the sender took its nonce.
        case replaced
        /// Not needed: the precondition held already.
        case skipped
        /// Sent, and not in a block when the time was up.
        case pending
        /// Not sent: simulated, with its cost.
        case simulated
        /// Not sent: signed.
        case signed
        /// Not sent: a call was answered.
        case called
    }

    /// What the request was labelled.
    package var label: String?
    /// The request's name in a journal.
    package var id: String?
    /// How the request ended.
    package var status: Status
    /// The transaction, if one was signed.
    package var transactionHash: Bytes32?
    /// What became of it, if it is in a block.
    package var receipt: Receipt?
    /// Whether the receipt is a node's promise, and no block of the chain has the transaction yet.
    package var isPreconfirmed = false
    /// Why it is not known what became of it: for people, and not in the document.
    package var doubt: String?
    /// The contract that the transaction creates, if it creates one: computed here, not taken from the node.
    package var contractAddress: Address?
    /// The gas that it would use and the most it may cost, where it was only simulated.
    package var estimate: (gasUsed: UInt64, maxCost: UInt256)?
    /// What the sender lacks for it and those before it, in wei, where it was only simulated.
    package var shortfall: UInt256?
    /// What it reverted with; empty for a revert without data.
    package var revert: [UInt8]?
    /// What a request that would revert calls: for people, and not in the document.
    package var selector: Selector?
    /// What the call returned.
    package var result: [UInt8]?
    /// All the transactions that were sent for it, the newest last, where there are several and each may be mined.
    package var versions: [Bytes32] = []
    /// The signed bytes, where they were not sent.
    package var raw: [UInt8]?

    /// What a rollup takes for its parent chain, in wei, where it was only simulated.
    package var l1Fee: UInt256?
    /// The document as it was, for a record that was read.
    package var stored: JSONValue?

    package init(label: String?, id: String?, _ status: Status) {
        self.label = label
        self.id = id
        self.status = status
    }

    /// Reads a record back, as far as it is needed to go on with it; the document stays as it was.
    ///
    /// - Throws: `JSONError`.
    package init(stored json: JSONObject) throws(JSONError) {
        label = try json.optionalString("label")
        id = try json.optionalString("id")
        guard let status = Status(rawValue: try json.string("status")) else {
            throw .illTyped(line: json.line, member: json.path + "status", expected: "a record's status")
        }
        self.status = status
        transactionHash = try json.optionalParsed("transactionHash", as: "32 bytes of hex", Self.hash)
        raw = try json.optionalParsed("raw", as: "hex", Self.bytes)
        if json["versions"] != nil {
            versions = try json.array("versions").map { value throws(JSONError) in
                guard let text = value.string, let hash = try? Bytes32(hex: text) else {
                    throw json.illTyped("versions", expected: "an array of hashes")
                }
                return hash
            }
        }
        stored = .object(json)
    }

    private static func hash(_ text: String) throws(PrimitiveError) -> Bytes32 { try Bytes32(hex: text) }

    private static func bytes(_ text: String) throws(PrimitiveError) -> [UInt8] { try Hex.decode(text) }

    package static func == (left: SentRecord, right: SentRecord) -> Bool {
        left.json(decoding: ContractABI([])) == right.json(decoding: ContractABI([]))
    }

    /// The document; what does not apply is left out.
    ///
    /// - Parameter interface: the events and errors that are shown by name; others are shown as they are.
    package func json(decoding interface: ContractABI) -> JSONValue {
        stored
            ?? .members([
                "label": label.map(JSONValue.string),
                "id": id.map(JSONValue.string),
                "status": .string(status.rawValue),
                "transactionHash": (transactionHash?.hex).map(JSONValue.string),
                "preconfirmed": isPreconfirmed ? .bool(true) : nil,
                "blockNumber": (receipt?.blockNumber.quantity).map(JSONValue.string),
                "gasUsed": (receipt?.gasUsed ?? estimate?.gasUsed).map { .string($0.quantity) },
                "effectiveGasPrice": (receipt?.effectiveGasPrice?.quantity).map(JSONValue.string),
                "l1Fee": (l1Fee?.quantity).map(JSONValue.string),
                "maxCost": (estimate?.maxCost.quantity).map(JSONValue.string),
                "shortfall": (shortfall?.quantity).map(JSONValue.string),
                "contractAddress": (contractAddress?.checksummed).map(JSONValue.string),
                "revert": revert.map { Self.json(interface.decodeRevert($0), bytes: $0) },
                "events": receipt.flatMap { receipt in
                    receipt.logs.isEmpty ? nil : .array(receipt.logs.map { Self.json($0, decoding: interface) })
                },
                "result": (result?.hex).map(JSONValue.string),
                "raw": (raw?.hex).map(JSONValue.string),
                "versions": versions.isEmpty ? nil : .array(versions.map { .string($0.hex) }),
            ])
    }

    /// `{"name":"NotOwner","args":{},"data":"0x…"}`; without name and args where the error is not known.
    private static func json(_ revert: RevertData, bytes: [UInt8]) -> JSONValue {
        let name: String?
        let arguments: JSONValue?
        switch revert {
        case .empty, .unknown: (name, arguments) = (nil, nil)
        case .message(let text): (name, arguments) = ("Error", .members(["message": .string(text)]))
        case .panic(let code):
            (name, arguments) = ("Panic", .members(["code": .string(code.quantity)]))
        case .declared(let error, let values):
            name = error.name
            arguments = values.isEmpty ? .members([:]) : error.inputs.json(values)
        }
        return .members(["name": name.map(JSONValue.string), "args": arguments, "data": .string(bytes.hex)])
    }

    /// `{"name":"MemberRegistered","address":"0x…","args":{…}}`, or the log's topics and data.
    private static func json(_ log: Receipt.Log, decoding interface: ContractABI) -> JSONValue {
        let address = JSONValue.string(log.address.checksummed)
        guard let (event, values) = try? interface.decodeLog(topics: log.topics, data: log.data, layout: .lenient)
        else {
            return .members([
                "address": address, "topics": .array(log.topics.map { .string($0.hex) }),
                "data": .string(log.data.hex),
            ])
        }
        return .members(["name": .string(event.name), "address": address, "args": event.json(values)])
    }
}

extension SentRecord {
    /// The record of a request that was not sent, because it would revert.
    package static func reverting(_ request: TransactionRequest, with data: [UInt8]) -> SentRecord {
        var record = SentRecord(label: request.label, id: request.id, .reverted)
        record.revert = data
        record.selector = request.to == nil ? nil : try? Selector(request.data.prefix(Selector.byteCount))
        return record
    }
}
