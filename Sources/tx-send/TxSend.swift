import ABI
import ArgumentParser
import CommandLineTool
import Console
import EthereumNode
import Failures
import KeySources
import NetworkOptions
import Preparation
import Primitives
import Secp256k1
import Sending
import TEEBridge
import Transactions

@main
struct TxSend: CommandLineTool {
    static let configuration = CommandConfiguration(
        commandName: "tx-send",
        abstract: "Sign transaction requests, send them, and wait for their outcome.",
        discussion: """
            Reads requests as abi-encode prints them and prints one record for each, in order, one per line. After \
            the first failure nothing more is sent, but transactions already sent are waited for. A request whose \
            precondition ("unless") already holds is skipped.

            With --journal, repeating the command resumes a run that was stopped, however that happened: nothing is \
            sent twice, and every outcome is reported.

            EXAMPLE
              abi-encode register proof.json | tx-send --key file:owner.key --chain base
              tx-send --dry-run --from 0x… requests.jsonl
              tx-send --journal sent.jsonl requests.jsonl
              tx-send --async requests.jsonl > pending.jsonl; tx-send --wait pending.jsonl

            EXIT STATUS
              0 done; 1 reverted, would revert, replaced, not enough ether, or too much gas; 2 bad input, nothing sent; \
            3 node failed or rejected, nothing sent; 4 outcome unknown, or a request failed after others were sent
            """,
        version: version)

    @Flag var mode: Mode = .send

    @Flag(name: .customLong("async"), help: "Send, print pending records and exit without waiting.")
    var isAsynchronous = false

    @Option(
        help: ArgumentHelp(
            "Record each transaction in this file before sending it, and resume from it.", valueName: "file"))
    var journal: String?

    @Option(
        help: ArgumentHelp(
            "Number of confirmations to wait for, counting the transaction's own block; 0 accepts a promised block.",
            valueName: "n")
    )
    var confirmations: UInt64 = 1

    @Option(help: ArgumentHelp("Maximum number of transactions in flight: 1 to 256.", valueName: "n"))
    var inFlight = 16

    @Option(
        help: ArgumentHelp(
            "Resend with higher fees a transaction that is not in a block after this time.", valueName: "time"),
        transform: TimeoutOption.duration(_:))
    var bumpAfter: Duration?

    @Option(
        name: [.customLong("max-fee"), .customLong("gas-price-cap")],
        help: ArgumentHelp("Maximum fee per unit of gas: wei, or with a unit, such as 2gwei.", valueName: "amount"),
        transform: UInt256.init(amount:))
    var maxFee: UInt256?

    @Option(
        help: ArgumentHelp(
            "Minimum tip per unit of gas, where a request sets none. (default: 0.001gwei)", valueName: "amount"),
        transform: UInt256.init(amount:))
    var minTip = FeeRules.usualLeastTip

    @Option(
        help: ArgumentHelp(
            "How long to wait for sent transactions; also the limit for one request. (default: 120) [environment: ETH_TIMEOUT]",
            valueName: "time"),
        transform: TimeoutOption.duration(_:))
    var timeout: Duration?

    @Option(
        help: ArgumentHelp(
            "With --call or --dry-run: the account that would send the requests, in place of a key.",
            valueName: "address"),
        transform: { try Address($0) })
    var from: Address?

    @OptionGroup var rpc: RPCOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var verbosity: VerboseOption

    @Argument(help: "A file of requests (--wait: records); standard input if absent or -.")
    var file: String?

    /// What is done with requests.
    enum Mode: EnumerableFlag {
        case send, call, dryRun, signOnly, wait

        static func help(for value: Mode) -> ArgumentHelp? {
            switch value {
            case .send: "Sign, send and wait."
            case .call: "Print what the calls return; needs no key."
            case .dryRun: "Report what sending would do, its maximum cost and what the sender lacks for it."
            case .signOnly: "Sign and print the signed bytes; send nothing."
            case .wait: "Wait for the transactions in pending records, which replace requests as input; needs no key."
            }
        }

        static func name(for value: Mode) -> NameSpecification {
            [.customLong(value.name)]
        }

        /// The option's name, without its dashes.
        var name: String {
            switch self {
            case .send: "send"
            case .call: "call"
            case .dryRun: "dry-run"
            case .signOnly: "sign-only"
            case .wait: "wait"
            }
        }
    }

    func validate() throws {
        guard 1...256 ~= inFlight else { throw ValidationError("--in-flight must be from 1 to 256") }
        if let bumpAfter, bumpAfter < .seconds(1) { throw ValidationError("--bump-after must be 1 second or more") }
        for (name, isGiven) in [
            ("--async", isAsynchronous), ("--journal", journal != nil), ("--bump-after", bumpAfter != nil),
        ] {
            try ExclusiveOptions.check(["--\(mode.name)": mode != .send, name: isGiven])
        }
        guard from == nil || mode == .call || mode == .dryRun else {
            throw ValidationError("--from applies only to --call and --dry-run: the key determines who sends")
        }
        guard from == nil || keys.key == nil else {
            throw ValidationError("--from and --key both name the sender: use one of them")
        }
    }

    func run() throws {
        let run = Run(mode: mode, isFromNamed: from != nil, diagnostics: diagnostics)
        switch mode {
        case .send: try send(run)
        case .wait: try wait(run)
        case .call, .dryRun, .signOnly: try ask(run)
        }
        try run.end()
    }

    private func send(_ run: Run) throws {
        // Its absence is an error before anything is read.
        let node = try node(run)
        let journal = try journal.map(Journal.init)
        let sender = try Sender(key: key(), policy: policy(), journal: journal, observer: run, node: node)
        let requests = run.stream(try input(.request), parse: TransactionRequest.init(json:))
        try run.tellingFailures { try sender.send(requests, report: run.report) }
    }

    private func wait(_ run: Run) throws {
        let policy = try policy()
        let node = try node(run)
        let records = run.stream(try input(.record), parse: SentRecord.init(stored:))
        try run.tellingFailures {
            try Sender.resume(records, policy: policy, observer: run, node: node, report: run.report)
        }
    }

    /// The modes that send nothing.
    private func ask(_ run: Run) throws {
        let reader = ObjectReader(
            try input(.request), limit: Run.inputLimit, parse: TransactionRequest.init(json:))
        let work: ([TransactionRequest]) throws -> Void
        if mode == .call {
            let node = try node(run)
            let executor = CallExecutor(chainId: try rpc.chainId(), sender: from)
            work = { for request in $0 { try run.reportAtOnce(executor.call(request, asking: node)) } }
        } else {
            let dryRun = try dryRun(run)
            work = { try dryRun.run($0, report: run.reportAtOnce) }
        }
        // However the input was cut on its way, each request is tried on top of those before it.
        var gathered: [TransactionRequest] = []
        while let requests = try reader.read() {
            gathered += requests
            guard mode == .call || gathered.count >= Self.mostTogether else { continue }
            if !gathered.isEmpty { try work(gathered) }
            gathered = []
        }
        if !gathered.isEmpty { try work(gathered) }
    }

    private func dryRun(_ run: Run) throws -> DryRun {
        let (chainId, fees) = (try rpc.chainId(), FeeRules(maxFee: maxFee, leastTip: minTip))
        guard mode == .dryRun else {
            return try DryRun(signingWith: key(), chainId: chainId, fees: fees) { try node(run) }
        }
        return try DryRun(from: from ?? key().address, chainId: chainId, fees: fees) { try node(run) }
    }

    /// How many requests are tried one on top of the other.
    private static let mostTogether = 100

    private func key() throws -> SecretKey { try keys.load(observer: verbosity.observer(diagnostics)) }

    private func policy() throws -> SendPolicy {
        var policy = SendPolicy()
        policy.interface = TEEBridge.answers
        policy.confirmations = confirmations
        policy.timeout = try duration()
        policy.chainId = try rpc.chainId()
        policy.fees = FeeRules(maxFee: maxFee, leastTip: minTip)
        policy.inFlight = mode == .wait ? 256 : inFlight
        policy.bumpAfter = bumpAfter
        policy.isAsynchronous = isAsynchronous
        return policy
    }

    private func duration() throws -> Duration { try TimeoutOption.duration(timeout, default: .seconds(120)) }

    private func node(_ run: Run) throws -> EthereumNode {
        try rpc.node(timeout: duration(), observer: verbosity.observer(diagnostics), isCancelled: { run.isCancelled })
    }

    private func input(_ kind: DocumentKind) throws -> Input {
        try Input(path: file, awaited: kind.plural, diagnostics: diagnostics)
    }
}
