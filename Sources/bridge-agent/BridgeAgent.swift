import AgentSite
import ArgumentParser
import BridgeClient
import CommandLineTool
import Console
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
            agent: the program waits for it at startup (--timeout) and polls it from then on.

            Given a bridge and a node's URL, it also watches the inbox. Messages are secrets: /onboarding serves them \
            only to this machine and to clients named by --serve-secrets-to, and they are never printed. It answers \
            from memory, which holds the newest 1000 messages, at most 16 MiB.

            EXAMPLE
              bridge-agent --bridge 0x… --rpc-url https://… 2>&1 | tee /dev/ttyS0
              curl http://127.0.0.1:8080/onboarding
            """,
        version: version)

    @Option(
        help: ArgumentHelp(
            "Address and port to listen on; port 0 picks a free one. (default: 0.0.0.0:8080)", valueName: "address:port"
        ),
        transform: { try ListenAddress($0) })
    var listen = ListenAddress.everywhere(port: 8080)

    @Option(
        help: ArgumentHelp(
            """
            Who may read messages besides this machine: a network, such as 10.0.0.0/8, or clients that send the token in \
            token-file:PATH as "Authorization: Bearer TOKEN". Repeatable.
            """, valueName: "who"), completion: .list(["token-file:"]))
    var serveSecretsTo: [String] = []

    @Option(
        help: ArgumentHelp(
            "How often to poll the inbox and the guest agent. (default: 60)",
            valueName: "time"),
        transform: TimeoutOption.duration(_:))
    var interval: Duration = .seconds(60)

    // An hour: the host keeps the last 4 MiB of the serial log or more, and one of these lines has about 1.5 KB.
    @Option(
        help: ArgumentHelp(
            "Print the proof again at this interval, since logs rotate; 0 prints it once. (default: 3600)",
            valueName: "time"),
        transform: TimeoutOption.duration(_:))
    var repeatProof: Duration = .seconds(3600)

    @Option(
        help: ArgumentHelp(
            "Time limit for a whole connection. (default: 10)", valueName: "time"),
        transform: TimeoutOption.duration(_:))
    var deadline: Duration = .seconds(10)

    @Option(
        help: ArgumentHelp(
            "Maximum number of open connections; a new one beyond that closes the oldest idle one.", valueName: "n"))
    var maxConnections = 256

    @Flag(help: "Keep only messages signed by their senders; warn about others.")
    var requireAuthenticated = false

    @Option(help: "The path of the key at the guest agent.", completion: .list([Proof.path]))
    var path = Proof.path

    @Option(help: "The purpose of the key at the guest agent.", completion: .list([Proof.purpose]))
    var purpose = Proof.purpose

    @Option(
        help: ArgumentHelp(
            "How long to wait for the guest agent at startup. (default: 120) [environment: ETH_TIMEOUT]",
            valueName: "time"),
        transform: TimeoutOption.duration(_:))
    var timeout: Duration?

    @OptionGroup var agent: AgentOption
    @OptionGroup var bridge: BridgeOption
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var inbox: InboxOptions
    @OptionGroup(title: "Untrusted nodes") var verification: VerifyOptions
    @OptionGroup var verbosity: VerboseOption

    func validate() throws {
        guard interval > .zero else { throw ValidationError("--interval must be more than 0") }
        guard deadline > .zero else { throw ValidationError("--deadline must be more than 0") }
        guard maxConnections >= 1 else { throw ValidationError("--max-connections must be at least 1") }
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
            access: try SecretsAccessPolicy(serveSecretsTo), maxStaleness: max(interval * 5, .seconds(5)))

        let limits = ServerLimits(deadline: deadline, connections: maxConnections)
        let server = try HTTPServer(on: listen, limits: limits) { site.answer($0) }
        try signals.whenOneComes {
            service.tell(.stopping)
            server.stop()
        }
        diagnostics.note("listening on \(server.address)")

        let keeper = ProofKeeper(
            state: state, source: .agent(AgentKey(socket: agent.dstack)), path: path, purpose: purpose,
            interval: interval,
            repeatProof: repeatProof, observer: verbosity.observer(diagnostics), diagnostics: diagnostics,
            service: service
        ) { heartbeat.beat("proof") }
        try keeper.begin(within: timeout)
        try keeper.goOn()
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
        let source = KeySource.guestAgent(AgentKey(path: path, purpose: purpose))
        return InboxWatcher(
            reader, telling: state, interval: interval, requiresAuthentication: requireAuthenticated,
            maxMessages: inbox.maxMessages, diagnostics: diagnostics, warnings: warnings, isAlive: isAlive
        ) {
            try source.load { socket, path, purpose in
                try agent.connect(to: socket, observer: observer).getKey(path: path, purpose: purpose).takeSecret()
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
    ///
    /// - Throws: `ThreadError` where there is no thread for that.
    func whenOneComes(_ body: @escaping @Sendable () -> Void) throws(ThreadError) {
        let awaited = awaited
        try Threads.detach {
            var (signals, number) = (awaited, Int32(0))
            unsafe sigwait(&signals, &number)
            body()
            // Not exit(): other threads may be in libcurl, below which OpenSSL's exit handlers would pull the ground.
            _exit(0)
        }
    }
}
