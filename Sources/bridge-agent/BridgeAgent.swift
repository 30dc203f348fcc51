import AgentSite
import ArgumentParser
import BridgeClient
import CommandLineTool
import Console
import Dispatch
import Dstack
import Glibc
import GuestAgent
import HTTP
import HTTPServer
import KeySources
import NetworkOptions
import Primitives
import Processes

@main
struct BridgeAgent: CommandLineTool {
    static let configuration = CommandConfiguration(
        commandName: "bridge-agent",
        abstract: "Serve a CVM's proof over HTTP, and watch its inbox.",
        discussion: """
            Prints PROOF_JSON=… and answers GET /proof, /info, /healthz and /onboarding. The key comes from the guest \
            agent, which is waited for at the start (--timeout) and asked again from time to time.

            With a bridge and a node's URL the inbox is watched. Its messages are secrets: /onboarding gives them to \
            this machine alone, and to those that --serve-secrets-to names; they are printed nowhere. It answers from \
            memory, which keeps the newest 1000 messages, or 16 MiB of them.

            EXAMPLE
              bridge-agent --bridge 0x… --rpc-url https://… 2>&1 | tee /dev/ttyS0
              curl http://127.0.0.1:8080/onboarding
            """,
        version: version)

    @Option(
        help: ArgumentHelp(
            "Where to listen; port 0 lets the system choose. (default: 0.0.0.0:8080)", valueName: "address:port"),
        transform: { try ListenAddress($0) })
    var listen = ListenAddress.everywhere(port: 8080)

    @Option(
        help: ArgumentHelp(
            """
            Who may get messages, besides this machine: a network, as 10.0.0.0/8, or token-file:PATH, whose token \
            they send as "Authorization: Bearer TOKEN". Repeatable.
            """, valueName: "who"))
    var serveSecretsTo: [String] = []

    @Option(
        help: ArgumentHelp(
            "How long to wait between two looks at the inbox, and at the guest agent. (default: 60)",
            valueName: "seconds"),
        transform: TimeoutOption.seconds)
    var interval: Duration = .seconds(60)

    // An hour: the host keeps the last 4 MiB of the serial log or more, and one of these lines has about 1.5 KB.
    @Option(
        help: ArgumentHelp(
            "Print the proof again so often, since logs are rotated; 0 for once. (default: 3600)", valueName: "seconds"),
        transform: TimeoutOption.seconds)
    var repeatProof: Duration = .seconds(3600)

    @Option(
        help: ArgumentHelp(
            "How long a connection may last, whatever is done on it. (default: 10)", valueName: "seconds"),
        transform: TimeoutOption.seconds)
    var deadline: Duration = .seconds(10)

    @Option(
        help: ArgumentHelp(
            "How many connections there may be; one more ends the oldest that waits.", valueName: "n"))
    var maxConnections = 256

    @Flag(help: "Keep only messages that their senders signed; the others are warnings.")
    var requireAuthenticated = false

    @Option(help: "The path of the guest agent's key.")
    var path = Proof.path

    @Option(help: "The purpose of the guest agent's key.")
    var purpose = Proof.purpose

    @Option(
        help: ArgumentHelp(
            "How long the guest agent is waited for at the start. (default: 120) [environment: ETH_TIMEOUT]",
            valueName: "seconds"),
        transform: TimeoutOption.seconds)
    var timeout: Duration?

    @OptionGroup var agent: AgentOption
    @OptionGroup var bridge: BridgeOption
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var inbox: InboxOptions
    @OptionGroup(title: "Nodes that are not trusted") var verification: VerifyOptions
    @OptionGroup var verbosity: VerboseOption

    func validate() throws {
        guard interval > .zero else { throw ValidationError("--interval is more than 0") }
        guard deadline > .zero else { throw ValidationError("--deadline is more than 0") }
        guard maxConnections >= 1 else { throw ValidationError("--max-connections is at least 1") }
    }

    func run() throws {
        let signals = EndSignals()
        let service = SystemdNotifier()
        let timeout = try TimeoutOption.duration(timeout, default: .seconds(120))
        let state = AgentState()
        let isWatching = try bridge.namedAddress() != nil
        let heartbeat = Heartbeat(service, of: isWatching ? ["proof", "inbox"] : ["proof"])
        let watcher = try watcher(telling: state, timeout: timeout) { heartbeat.beat("inbox") }
        let site = AgentHTTPHandler(
            state, bridge: watcher?.bridge, nodes: try watcher == nil ? [] : rpc.endpoints(),
            access: try SecretsAccessPolicy(serveSecretsTo), patience: max(interval * 5, .seconds(5)))

        let limits = ServerLimits(deadline: deadline, connections: maxConnections)
        let server = try HTTPServer(on: listen, limits: limits) { site.answer($0) }
        signals.whenOneComes {
            service.tell(.stopping)
            server.stop()
        }
        diagnostics.note("listening on \(server.address)")

        let keeper = ProofKeeper(
            state: state, source: .agent(address: agent.dstack), path: path, purpose: purpose, interval: interval,
            repeatProof: repeatProof, observer: verbosity.observer(diagnostics), diagnostics: diagnostics,
            service: service
        ) { heartbeat.beat("proof") }
        try keeper.begin(within: timeout)
        keeper.goOn()
        do throws(BridgeClientError) { try watcher?.run() } catch {
            let status = diagnostics.report(error)
            service.tell(.stopping)
            server.stop()
            // Not exit(): see EndSignals.
            _exit(status.rawValue)
        }
        while true { sleep(for: .seconds(3600)) }
    }

    /// What reads the inbox; nil if no bridge is named.
    ///
    /// - Parameter isAlive: called now and then by the thread that it runs on, also while it waits for an answer: each
    ///   such wait has a deadline, and a node that hangs is no reason to take the proof off the air.
    private func watcher(
        telling state: AgentState, timeout: Duration, isAlive: @escaping () -> Void
    ) throws -> InboxWatcher? {
        guard let address = try bridge.namedAddress() else { return nil }
        let diagnostics = diagnostics
        let observer = verbosity.observer(diagnostics)
        let warnings = LineLimit("warnings of this poll") { diagnostics.warning($0) }
        let reader = try verification.reader(
            of: address, rpc: rpc, inbox: inbox, timeout: timeout, observer: observer,
            isCancelled: {
                isAlive()
                return false
            }
        ) { warnings.add($0) }
        let source = KeySource.guestAgent(path: path, purpose: purpose)
        return InboxWatcher(
            reader, telling: state, interval: interval, requiresAuthentication: requireAuthenticated,
            maxMessages: inbox.maxMessages, diagnostics: diagnostics, warnings: warnings, isAlive: isAlive
        ) {
            try source.load { path, purpose in
                try agent.connect(observer: observer).getKey(path: path, purpose: purpose).takeSecret()
            }
        }
    }
}

/// SIGTERM and SIGINT, which end the agent in order.
///
/// They are held back in all threads from `init` on, so one must be made before there are other threads. As process 1
/// of a container the agent would not even see them otherwise.
struct EndSignals {
    private let awaited: sigset_t

    init() {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGTERM)
        unsafe sigaddset(&signals, SIGINT)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        awaited = signals
    }

    /// Waits on a thread of its own; when a signal comes, calls `body` and ends the process with status 0.
    func whenOneComes(_ body: @escaping @Sendable () -> Void) {
        let awaited = awaited
        DispatchQueue(label: "signals").async {
            var (signals, number) = (awaited, Int32(0))
            unsafe sigwait(&signals, &number)
            body()
            // Not exit(): other threads may be in libcurl, below which OpenSSL's exit handlers would pull the ground.
            _exit(0)
        }
    }
}
