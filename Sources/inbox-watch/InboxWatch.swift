import ArgumentParser
import BridgeClient
import CommandLineTool
import Console
import Failures
import Files
import GuestAgent
import HTTP
import Inbox
import JSON
import KeySources
import NetworkOptions
import Primitives
import Processes
import Secp256k1

@main
struct InboxWatch: CommandLineTool {
    static let configuration = CommandConfiguration(
        commandName: "inbox-watch",
        abstract: "Read a member's inbox on the bridge and open its messages.",
        discussion: """
            Prints one message per line and, without --once, new ones as they arrive. A message that does not open is \
            a warning, since anyone can post anything. Without a key, the CVM's own comes from the guest agent.

            --exec runs a program for each message, with the payload on standard input and the rest in environment \
            variables TEEBRIDGE_…. Unless it exits with 0, the message is retried with growing pauses.

            With --state each message is delivered at least once, even across crashes, and later runs skip it; "id" \
            identifies one that arrives twice.

            "authenticated":true means that the member in "from" signed the message (ecies-seal --sign-with) for this \
            inbox; without it, anyone may have posted in that member's name.

            With --verify no node can hide, alter, reorder or invent a message. The program names a node caught lying \
            and exits with 1.

            EXAMPLE
              inbox-watch --once --bridge 0x… --rpc-url https://…
              inbox-watch --once --state inbox.json --exec on-secret --exec-arg secrets
              inbox-watch --verify --bridge 0x… --rpc-url https://a… --rpc-url https://b…
            """,
        version: version)

    @Flag(help: "Read the messages that are there and exit.")
    var once = false

    @Option(
        help: ArgumentHelp("How often to poll. (default: 60)", valueName: "time"),
        transform: TimeoutOption.duration(_:))
    var interval: Duration = .seconds(60)

    @Option(
        help: ArgumentHelp(
            "Output format: json, or text as in the reference programs. With --exec, print each message too.",
            valueName: "format"))
    var format: Format?

    @Option(
        help: ArgumentHelp("Record deliveries in this file, and deliver only new messages.", valueName: "file"))
    var state: String?

    @Flag(help: "Deliver only messages signed by their senders; warn about others.")
    var requireAuthenticated = false

    @Option(
        help: ArgumentHelp(
            """
            Time limit for each request to a node, at most 30; with --once, how long to retry a failing handler. \
            (default: 30) [environment: ETH_TIMEOUT]
            """,
            valueName: "time"),
        transform: TimeoutOption.duration(_:))
    var timeout: Duration?

    @OptionGroup(title: "Handler") var exec: ExecOptions
    @OptionGroup var bridge: BridgeOption
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var inbox: InboxOptions
    @OptionGroup(title: "Untrusted nodes") var verification: VerifyOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var verbosity: VerboseOption

    /// How a message is printed.
    enum Format: String, ExpressibleByArgument, CaseIterable { case json, text }

    func run() throws {
        let signals = SignalMonitor(hangUpEnds: once)
        defer { signals.leave() }
        let timeout = try TimeoutOption.duration(timeout, default: .seconds(30))
        let handler = try exec.handler()
        let warnings = LineLimit("warnings of this poll") { diagnostics.warning($0) }
        let reader = try verification.reader(
            of: bridge.address(), rpc: rpc, inbox: inbox, timeout: timeout, observer: verbosity.observer(diagnostics),
            isCancelled: { signals.isEnding }
        ) { warnings.add($0) }
        var rules = Inbox.Rules()
        rules.requiresAuthentication = requireAuthenticated
        rules.maxMessages = self.inbox.maxMessages
        rules.refusesMore = once && state == nil
        let file = try stateFile()
        let inbox = Inbox(reader, key: try key(timeout, signals), rules: rules, keptIn: file, warnings: warnings)
        signals.announce()
        try watch(inbox, handler, until: once ? timeout : nil, signals)
    }

    /// Polls the inbox, again and again unless `--once` is given.
    ///
    /// - Parameter budget: how long a handler that fails is tried again; nil for no end.
    private func watch(
        _ inbox: Inbox, _ handler: MessageHandler?, until budget: Duration?, _ signals: SignalMonitor
    ) throws {
        var schedule = PollSchedule(interval: interval, budget: budget)
        var outage: String?
        let line = StatusLine()
        var count = 0
        // What the handler did not accept, and why: a node that lags behind does not show it.
        var failures: [UInt64: HandlerError] = [:]
        while !signals.isEnding {
            let pause: Duration
            do {
                var hasFailed = false
                try inbox.beginPoll(triesWaiting: schedule.isTryDue)
                while let message = try inbox.next() {
                    do {
                        try deliver(message, to: handler, signals) { inbox.touch() }
                        inbox.resolve(.delivered)
                    } catch let error as HandlerError {
                        failures[message.index] = error
                        hasFailed = true
                        inbox.warn(message.index, error)
                        inbox.resolve(exec.keepGoing ? .postponed : .refused)
                    }
                    count += 1
                    // A handler's output would follow it on the line.
                    if handler == nil { line.show("\(count) messages read") }
                }
                failures = failures.filter { !inbox.isDone($0.key) }
                outage = nil
                if once, inbox.end == .limited {
                    diagnostics.note(
                        "\(self.inbox.maxMessages) messages were read, and there are more: run the command again")
                }
                if once, failures.isEmpty { return }
                let isFailed = once ? !failures.isEmpty : hasFailed
                guard let next = schedule.afterPoll(failed: isFailed, keepsGoing: exec.keepGoing && !once)
                else {
                    if let failure = failures.min(by: { $0.key < $1.key })?.value { throw failure }
                    return
                }
                pause = next
            } catch let failure as any UserFacingError where canWait(failure, signals) {
                // Once for each reason: it may last for hours.
                if failure.description != outage { diagnostics.warning("\(failure); trying again") }
                outage = failure.description
                pause = schedule.afterOutage()
            }
            line.end()
            if signals.rest(pause, onWait: inbox.touch) { schedule.tryNow() }
        }
    }

    /// Whether the program goes on after a failure, since it may be over at the next poll.
    private func canWait(_ failure: any UserFacingError, _ signals: SignalMonitor) -> Bool {
        !once && failure.kind == .serviceFailed && !signals.isEnding
    }

    /// Has the handler take a message, and prints it where that is wanted.
    ///
    /// - Parameter onWait: called about once a second while the handler runs.
    private func deliver(
        _ message: borrowing InboxMessage, to handler: MessageHandler?, _ signals: SignalMonitor, onWait: () -> Void
    ) throws {
        if signals.isEnding { throw ExitCode(.done) }
        try handler?.run(
            input: message.payload,
            variables: [
                "TEEBRIDGE_MESSAGE_ID": message.id, "TEEBRIDGE_MEMBER_ID": message.member.hex,
                "TEEBRIDGE_INDEX": String(message.index), "TEEBRIDGE_FROM": message.from.hex,
                "TEEBRIDGE_AUTHENTICATED": String(message.isAuthenticated),
            ],
            wait: { duration in
                onWait()
                return signals.wait(duration)
            })
        guard let format = format ?? (handler == nil ? .json : nil) else { return }
        let line = message.document(as: format == .json ? .json : .text)
        let isWritten = try Descriptor.standardOutput.write(line, while: { !signals.isEnding })
        if !isWritten { throw ExitCode(.done) }
    }

    /// The state file, for this run alone; nil if none is named.
    ///
    /// - Throws: `ExitCode` if another run is at work on it, and this one has nothing more to do.
    private func stateFile() throws -> InboxStateFile? {
        do { return try state.map { try InboxStateFile($0) } } catch FileError.inUse where once {
            if Descriptor.standardError.isTerminal { diagnostics.hint("another run is using this state") }
            throw ExitCode(.done)
        }
    }

    /// The key. Who watches waits for a guest agent that starts later.
    private func key(_ timeout: Duration, _ signals: SignalMonitor) throws -> SecretKey {
        var backoff = Backoff(budget: once ? .zero : timeout)
        let line = StatusLine()
        defer { line.end() }
        let start = ContinuousClock.now
        while true {
            do {
                return try keys.load(
                    fallback: .member, observer: verbosity.observer(diagnostics), isCancelled: { signals.isEnding })
            } catch let failure as GuestAgentError where failure.isTransient {
                guard let pause = backoff.pause(elapsed: ContinuousClock.now - start) else { throw failure }
                signals.rest(pause) { line.show("\(failure); trying again") }
                if signals.isEnding { throw failure }
            }
        }
    }
}
