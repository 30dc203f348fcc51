import ABI
import ArgumentParser
import CommandLineTool
import Console
import JSON
import TEEBridge
import Transactions

struct Onboard: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "onboard",
        abstract: "Requests that post sealed messages to members' inboxes.",
        discussion: """
            EXAMPLE
              ecies-seal --to-member 0x… secret | abi-encode onboard | tx-send
            """)

    @OptionGroup var bridge: BridgeOption

    @Argument(help: "A file of sealed messages, as ecies-seal prints them; standard input if absent or -.")
    var file: String?

    func run() throws {
        let requests = try BridgeRequests(bridge: bridge.address())
        let input = try Input(path: file, awaited: "sealed messages", voice: ABIEncode.voice)
        try input.forEachObject(limit: inputLimit) { json in
            try Self.request(SealedMessage(json: json), of: json, requests).json.compact
        } _: {
            try Descriptor.standardOutput.writeLine($0)
        }
    }

    /// The request for a message, which must say from whom and to whom it goes.
    private static func request(
        _ message: SealedMessage, of object: JSONObject, _ requests: BridgeRequests
    ) throws -> TransactionRequest {
        guard let from = message.from else {
            throw JSONError.missingMember(line: object.line, member: "from_member")
        }
        guard let to = message.to else { throw JSONError.missingMember(line: object.line, member: "to_member") }
        return try requests.onboard(from: from, to: to, payload: message.payload)
    }
}
