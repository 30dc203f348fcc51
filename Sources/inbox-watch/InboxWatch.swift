import ArgumentParser
import Console
import Failures
import Inbox
import JSON
import Keys
import NetworkOptions
import Primitives
import Program
import Retrying

@main
struct InboxWatch: Program {
    static let configuration = CommandConfiguration(
        commandName: "inbox-watch",
        abstract: "Read a member's inbox on the bridge and open its messages.",
        discussion: """
            Prints one message a line; without --once, new ones as they come. A message that does not open is a \
            warning, since anybody can post anything. With no key named, the guest agent is asked for the CVM's own.

            Anybody can also post in another member's name. "authenticated":true says that the member in "from" \
            signed the message (ecies-seal --sign-with) for this inbox; a signed message that was made for another \
            one, altered or delivered before is a warning.

            With --verify no node can hide, alter, reorder or invent a message: the storage is proven against a block \
            that all nodes (--quorum: so many of them) show, or that --block-hash names. A node that is caught is \
            named, and the program ends with exit 1.

            EXAMPLE
              inbox-watch --once --bridge 0x… --rpc-url https://…
              inbox-watch --verify --bridge 0x… --rpc-url https://a… --rpc-url https://b…
            """,
        version: version)

    @Flag(help: "Read what is there and end.")
    var once = false

    @Option(
        help: ArgumentHelp("How long to wait between two looks.", valueName: "seconds"),
        transform: TimeoutOption.seconds)
    var interval: Duration = .seconds(60)

    @Option(help: ArgumentHelp("json, or text: the line of the reference programs.", valueName: "format"))
    var format: Format = .json

    @Flag(help: "Print only messages that their senders signed; the others are warnings.")
    var requireAuthenticated = false

    @OptionGroup var bridge: BridgeOption
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var block: BlockOptions
    @OptionGroup var timeout: TimeoutOption
    @OptionGroup(title: "Nodes that are not trusted") var verification: VerifyOptions
    @OptionGroup var keys: KeyOptions

    enum Format: String, ExpressibleByArgument, CaseIterable { case json, text }

    func run() throws {
        let timeout = try timeout.duration(default: .seconds(30))
        let reader = try verification.reader(
            of: bridge.address(), rpc: rpc, block: block.named, timeout: timeout
        ) { voice.warning($0) }
        let inbox = Inbox(reader, key: try keys.load(fallback: .member), requiresAuthentication: requireAuthenticated)
        var next: UInt64 = 0
        while true {
            do {
                try read(inbox, from: &next)
            } catch let failure as any Failure where !once && failure.kind == .serviceFailed {
                voice.warning("\(failure); looking again in \(interval)")
            }
            if once { return }
            sleep(for: interval)
        }
    }

    /// Prints the messages from an index on, and moves it behind each that is done with.
    private func read(_ inbox: Inbox, from next: inout UInt64) throws {
        try inbox.forEachMessage(from: next) { message in
            try Descriptor.standardOutput.writeLine(format == .json ? message.json.compact : message.line)
            next = message.index + 1
        } refused: { index, reason in
            voice.warning("message \(index) (\(InboxMessage.id(member: inbox.member, index: index))): \(reason)")
            next = index + 1
        }
    }
}
