package import ABI
package import JSON
package import Node
package import Primitives
package import Transactions

/// What became of a request: the document that tx-send prints, one for each request.
package struct SentRecord: Equatable, Sendable {
    /// How the request ended.
    package enum Status: String, Sendable {
        /// In a block, and it did what it should.
        case success
        /// In a block and reverted; or not sent, because it would revert.
        case reverted
        /// Not needed: the precondition held already.
        case skipped
        /// Sent, and not in a block when the time was up.
        case pending
        /// Not sent: what it would do and cost was asked.
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
    /// Why it is not known what became of it: for people, and not in the document.
    package var doubt: String?
    /// The contract that the transaction creates, if it creates one: computed here, not taken from the node.
    package var contractAddress: Address?
    /// The gas limit and the most it may cost, where it was only simulated.
    package var estimate: (gas: UInt64, maxCost: Quantity)?
    /// Why it reverted.
    package var revert: RevertData?
    /// What it reverted with, as it came.
    package var revertBytes: [UInt8] = []
    /// What the call returned.
    package var result: [UInt8]?
    /// The signed bytes, where they were not sent.
    package var raw: [UInt8]?

    package init(_ request: TransactionRequest, _ status: Status) {
        label = request.label
        id = request.id
        self.status = status
    }

    package static func == (left: SentRecord, right: SentRecord) -> Bool {
        left.json(decoding: ContractABI([])) == right.json(decoding: ContractABI([]))
    }

    /// The document; what does not apply is left out.
    ///
    /// - Parameter interface: the events that are shown by name; others are shown as they are.
    package func json(decoding interface: ContractABI) -> JSONValue {
        .members([
            "label": label.map(JSONValue.string),
            "id": id.map(JSONValue.string),
            "status": .string(status.rawValue),
            "transactionHash": (transactionHash?.hex).map(JSONValue.string),
            "blockNumber": (receipt?.blockNumber.quantity).map(JSONValue.string),
            "gasUsed": (receipt?.gasUsed.quantity).map(JSONValue.string),
            "effectiveGasPrice": (receipt?.effectiveGasPrice?.description).map(JSONValue.string),
            "gas": (estimate?.gas.quantity).map(JSONValue.string),
            "maxCost": (estimate?.maxCost.description).map(JSONValue.string),
            "contractAddress": (contractAddress?.checksummed).map(JSONValue.string),
            "revert": revert.map { Self.json($0, bytes: revertBytes) },
            "events": receipt.flatMap { receipt in
                receipt.logs.isEmpty ? nil : .array(receipt.logs.map { Self.json($0, decoding: interface) })
            },
            "result": (result?.hex).map(JSONValue.string),
            "raw": (raw?.hex).map(JSONValue.string),
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
            (name, arguments) = ("Panic", .members(["code": .string("0x" + String(code, radix: 16))]))
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
