import ABI
import ArgumentParser
import Console
import JSON
import Program
import TEEBridge

struct Onboard: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Requests that post sealed messages to members' inboxes.")

    @OptionGroup var bridge: BridgeOption

    @Argument(help: "A file of sealed messages, as ecies-seal prints them; standard input if absent or -.")
    var file: String?

    func run() throws {
        let requests = try BridgeRequests(bridge: bridge.address())
        let input = try Input(path: file, awaited: "sealed messages", voice: ABIEncode.voice)
        try input.forEachObject(limit: documentLimit) { object in
            let message = try SealedMessage(json: object)
            guard let from = message.from else {
                throw JSONError.missingMember(line: object.line, member: "from_member")
            }
            guard let to = message.to else { throw JSONError.missingMember(line: object.line, member: "to_member") }
            try emit(requests.onboard(from: from, to: to, payload: message.payload))
        }
    }
}
