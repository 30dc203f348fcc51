import ArgumentParser
import BridgeClient
import Console
import Inbox
import JSON
import Keys
import NetworkOptions
import Program

@main
struct InboxWatch: Program {
    static let configuration = CommandConfiguration(
        commandName: "inbox-watch",
        abstract: "Read a member's inbox on the bridge and open its messages.",
        discussion: """
            Prints one message a line. A message that does not open is a warning, since anybody can post anything. \
            With no key named, the guest agent is asked for the CVM's own.

            EXAMPLE
              inbox-watch --once --bridge 0x… --rpc-url https://…
            """,
        version: version)

    @Flag(help: "Read what is there and end.")
    var once = false

    @Option(help: ArgumentHelp("json, or text: the line of the reference programs.", valueName: "format"))
    var format: Format = .json

    @OptionGroup var bridge: BridgeOption
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var keys: KeyOptions

    enum Format: String, ExpressibleByArgument, CaseIterable { case json, text }

    func run() throws {
        let client = BridgeClient(try rpc.node(), bridge: try bridge.address(), chainId: try rpc.chainId())
        let inbox = Inbox(client, key: try keys.load(fallback: .member))
        try inbox.forEachMessage(from: 0) { message in
            try Descriptor.standardOutput.writeLine(format == .json ? message.json.compact : message.line)
        } unopened: { index, reason in
            voice.warning("message \(index) of \(inbox.member): \(reason.description)")
        }
    }
}
