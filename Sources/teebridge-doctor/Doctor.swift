import ABI
import ArgumentParser
import BridgeClient
import CommandLineTool
import Console
import EthereumNode
import Failures
import GuestAgent
import HTTP
import KeySources
import NetworkOptions
import Primitives
import Secp256k1
import TEEBridge
import Transactions

@main
struct Doctor: CommandLineTool {
    static let configuration = CommandConfiguration(
        commandName: "teebridge-doctor",
        abstract: "Check an operator's settings.",
        discussion: """
            Checks the settings of the other programs and prints a line for each: the nodes and their chain, the clock, \
            the contract and its version, whose the key is, which KMS roots and codes the bridge allows, and the guest \
            agent. A line begins with ok, no, unreachable or skipped, and says what to do. Sends no transaction.

            EXAMPLE
              set -a; . ./teebridge.env; set +a; teebridge-doctor
              teebridge doctor --chain base --bridge 0x… --kms-root phala-base
            """,
        version: version)

    @Option(
        name: .customLong("code"),
        help: ArgumentHelp(
            "Check that the bridge allows this code: an app id or a code id in hex. Repeatable.", valueName: "code"),
        transform: { try Bytes32(codeId: $0) })
    var codes: [Bytes32] = []

    @Option(
        help: ArgumentHelp("The dstack verifier contract, for a bridge that uses verifiers.", valueName: "address"),
        transform: { try Address($0) })
    var verifier: Address?

    @Flag(help: "Print JSON Lines.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Time limit for each request to a node, at most 30. (default: 30) [environment: ETH_TIMEOUT]",
            valueName: "time"),
        transform: TimeoutOption.duration(_:))
    var timeout: Duration?

    @OptionGroup var bridge: BridgeOption
    @OptionGroup var roots: KMSRootOptions
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var verbosity: VerboseOption

    func run() throws {
        var report = Report(isJSON: json)
        let node = try checkNodes(&report)
        let contract = try checkContract(node, &report)
        try checkKey(contract, &report)
        var codes = codes
        if let app = try checkAgent(&report) { codes.append(try Bytes32(codeId: Hex.encode(app.bytes))) }
        try checkRoots(contract, &report)
        try checkCodes(codes, contract, &report)
        throw ExitCode(try report.exitStatus())
    }

    /// The first node that answers and is of the chain that is named, after a line for each.
    private func checkNodes(_ report: inout Report) throws -> EthereumNode? {
        let endpoints: [Endpoint]
        let chain: UInt64?
        do throws(SettingError) {
            chain = try rpc.chainId()
            endpoints = try rpc.endpoints()
        } catch {
            let isNeeded = (try? bridge.namedAddress()) != nil
            guard case .missing = error, !isNeeded else {
                try report.add("node", error)
                return nil
            }
            try report.add("node", .skipped, error.description, hints: error.hints)
            return nil
        }
        let limits = RPCOptions.limits(timeout: try TimeoutOption.duration(timeout, default: .seconds(30)))
        let client = rpc.tls.client(observer: verbosity.observer(diagnostics))
        var first: EthereumNode?
        for endpoint in endpoints {
            let node = EthereumNode([RPCClient(endpoint, over: client, limits: limits)], retryBudget: rpc.retryFor)
            let block = try report.check("node") {
                let actual = try node.ask(.chainId)
                if let chain, chain != actual { throw BridgeClientError.wrongChain(expected: chain, actual: actual) }
                let block = try node.ask(.newestBlock)
                let number = try block?.smallQuantity("number").map(String.init) ?? "unknown"
                return ("\(endpoint.displayName) is on chain \(actual), its newest block is \(number)", block)
            }
            guard let block else { continue }
            if first == nil, let time = try? block?.smallQuantity("timestamp") {
                let server = Clock.date(of: endpoint, over: client, limits: limits)
                _ = try report.check("clock") { (try Clock.compare(block: time, server: server), ()) }
            }
            first = first ?? node
        }
        if chain == nil {
            try report.add(
                "chain", .skipped, "CHAIN is not set: nodes of any chain are used", hints: ["use --chain, or set CHAIN"]
            )
        }
        return first
    }

    private func checkContract(_ node: EthereumNode?, _ report: inout Report) throws -> BridgeContract? {
        let address: Address
        do throws(SettingError) { address = try bridge.address() } catch {
            if case .missing = error {
                try report.add("contract", .skipped, error.description, hints: error.hints)
            } else {
                try report.add("contract", error)
            }
            return nil
        }
        guard let node else {
            try report.add("contract", .skipped, "no node was reached to ask about \(address)")
            return nil
        }
        return try report.check("contract") {
            let contract = try BridgeContract(at: address, of: node)
            let owner = contract.owner.map { ", owned by \($0)" } ?? ""
            return ("\(address) is a TEEBridge \(contract.version.rawValue)\(owner)", contract)
        }
    }

    private func checkKey(_ contract: BridgeContract?, _ report: inout Report) throws {
        do {
            let source = try keys.source()
            _ = try report.check("key") {
                let key = try keys.load(source, observer: verbosity.observer(diagnostics))
                let member = Keccak256.hash(key.publicKey.compressed)
                var text = "\(source.name) has the address \(key.address) and the member id \(member)"
                if let contract {
                    if key.address == contract.owner { text += ", owns the bridge" }
                    text += try contract.says(TEEBridge.isMember, .word(member)) ? ", is a member" : ", is no member"
                }
                return (text, ())
            }
        } catch KeyError.noSource {
            let hint = "without one, inbox-watch and bridge-agent ask the guest agent, and tx-send refuses to send"
            try report.add("key", .skipped, KeyError.noSource.description, hints: KeyError.noSource.hints + [hint])
        } catch let error as KeyError {
            try report.add("key", error)
        }
    }

    /// The app of the guest agent, if there is one.
    private func checkAgent(_ report: inout Report) throws -> Address? {
        do {
            let agent = try keys.agent.connect(observer: verbosity.observer(diagnostics))
            return try report.check("agent") {
                let info = try agent.info()
                return (
                    "the guest agent answers for the app \(Hex.encode(info.appId.bytes, prefixed: false))", info.appId
                )
            }
        } catch let error as GuestAgentError {
            let isNamed = keys.agent.dstack != nil || Environment.value(AgentAddress.variable) != nil
            if case .noSocket = error, !isNamed {
                let hint = "only a CVM has one; elsewhere, --dstack or \(AgentAddress.variable) names a simulator"
                try report.add("agent", .skipped, "no guest agent is here", hints: [hint])
            } else {
                try report.add("agent", error)
            }
            return nil
        }
    }

    private func checkRoots(_ contract: BridgeContract?, _ report: inout Report) throws {
        let trusted: [Address]
        do throws(SettingError) {
            trusted = try roots.trusted(diagnostics).sorted { $0.checksummed < $1.checksummed }
        } catch { return try report.add("root", error) }
        guard !trusted.isEmpty else {
            let hint = "use --kms-root, or set KMS_ROOTS, to name those that you trust"
            return try report.add("root", .skipped, "no KMS root is set", hints: [hint])
        }
        guard let contract else { return try report.add("root", .skipped, "no contract was reached to ask") }
        if contract.version == .v2 {
            guard let verifier else {
                let hint = "name one with --verifier"
                return try report.add("root", .skipped, "verifiers list the roots of a TEEBridge v2", hints: [hint])
            }
            try check(
                "verifier", "the verifier \(verifier)", "add-verifier --bridge \(contract.address) \(verifier)", &report
            ) {
                try contract.says(TEEBridge.allowedVerifiers, .address(verifier)) ? nil : contract.address
            }
        }
        let list = contract.version == .v2 ? verifier ?? contract.address : contract.address
        for root in trusted {
            try check("root", "the KMS root \(root)", "add-kms-root --bridge \(list) \(root)", &report) {
                try contract.says(TEEBridge.allowedKmsRoots, .address(root), at: list) ? nil : list
            }
        }
    }

    private func checkCodes(_ codes: [Bytes32], _ contract: BridgeContract?, _ report: inout Report) throws {
        for code in codes {
            guard let contract else { return try report.add("code", .skipped, "no contract was reached to ask") }
            try check("code", "the code \(code)", "add-allowed-code --bridge \(contract.address) \(code)", &report) {
                try contract.says(TEEBridge.allowedCode, .word(code)) ? nil : contract.address
            }
        }
    }

    /// Prints whether something is allowed.
    ///
    /// - Parameters:
    ///   - command: the words that make a request which allows it, behind abi-encode.
    ///   - refuser: gives the contract that does not allow it, or nil.
    private func check(
        _ name: String, _ what: String, _ command: String, _ report: inout Report, refuser: () throws -> Address?
    ) throws {
        _ = try report.check(name) {
            if let address = try refuser() {
                throw DoctorError.notAllowed(what: what, by: address, command: "abi-encode \(command)")
            }
            return ("\(what) is allowed", ())
        }
    }
}

extension KeySource {
    /// The source as an option names it.
    fileprivate var name: String {
        switch self {
        case .file(let path): "file:\(path)"
        case .keystore(let path, _): "keystore:\(path)"
        case .environment(let name): "env:\(name)"
        case .descriptor(let number): "fd:\(number)"
        case .guestAgent: "the guest agent's key"
        }
    }
}
