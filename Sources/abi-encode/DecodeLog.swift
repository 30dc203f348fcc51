import ABI
import ArgumentParser
import JSON
import Primitives

struct DecodeLog: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Decode an event that a contract logged.",
        discussion: """
            A JSON document is a log, with topics and data, or holds events or logs, as a record of tx-send or a \
            node's receipt does; a node's answer may hold any of them. The contract, block, transaction and log index \
            are kept. Events that already have a name are printed as they are. For an indexed value longer than a \
            word, the log holds only its hash: {"hash":"0x…"}.

            EXAMPLE
              tx-send --wait pending.jsonl | abi-encode decode log
            """)
    @OptionGroup var options: DecodeOptions
    @OptionGroup var arguments: DecodeArguments

    @Option(
        name: .customLong("topic"),
        help: ArgumentHelp("A topic of a log whose data is given as hex. Repeatable.", valueName: "hex"),
        transform: { try Bytes32(hex: $0) })
    var topics: [Bytes32] = []

    func run() throws {
        let interface = try options.interface(
            of: arguments.definition, ABIDefinition.event, parse: ABIEvent.init, find: ContractABI.events(named:))
        let encodings = try options.encodings(
            of: .log, in: arguments.source, hex: { .encoded(Log(topics: topics, data: $0)) }, list: LoggedEvent.list)
        try options.decode(encodings) { event throws(ABIError) in
            switch event {
            case .named(let json): return json
            case .encoded(let log):
                let (event, values) = try interface.decodeLog(
                    topics: log.topics, data: log.data, layout: options.layout)
                return .members([
                    "name": .string(event.name), "signature": .string(event.signature),
                    "address": log.address.map { .string($0.checksummed) }, "args": event.json(values),
                ])
            }
        }
    }
}

/// A log as a contract made it.
private struct Log {
    var address: Address?
    let topics: [Bytes32]
    let data: [UInt8]
}

extension Log {
    init(json: JSONObject) throws(JSONError) {
        address = try json.optionalParsed("address", as: "an address", Address.init)
        topics = try json.array("topics").map { topic throws(JSONError) in
            guard let text = topic.string, let topic = try? Bytes32(hex: text) else {
                throw json.illTyped("topics", expected: "an array of words of 32 bytes of hex")
            }
            return topic
        }
        data = try json.hex("data")
    }
}

/// What a document has for an event.
private enum LoggedEvent {
    case encoded(Log)
    /// Decoded already, as tx-send does with the events that it knows.
    case named(JSONValue)

    /// The events that a document has: one if it is a log, any number if it is a record or a receipt.
    static func list(in json: JSONObject) throws(JSONError) -> [(item: LoggedEvent, place: ChainPlace)] {
        guard json["topics"] == nil else {
            return [(.encoded(try Log(json: json)), try ChainPlace(ofLog: json, in: ChainPlace()))]
        }
        // A record without events has no such member.
        guard
            let member = ["events", "logs"].first(where: { json[$0] != nil })
                ?? (json["status"] == nil ? "topics" : nil)
        else { return [] }
        let receipt = try ChainPlace(ofReceipt: json)
        return try json.array(member).map { entry throws(JSONError) in
            guard let object = entry.object else { throw json.illTyped(member, expected: "an array of objects") }
            let isNamed = object["name"] != nil && object["topics"] == nil
            return (
                isNamed ? .named(entry) : .encoded(try Log(json: object)), try ChainPlace(ofLog: object, in: receipt)
            )
        }
    }
}
