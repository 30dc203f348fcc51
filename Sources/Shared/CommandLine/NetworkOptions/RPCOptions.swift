package import ArgumentParser
package import CommandLineTool
package import Console
package import EthereumNode
import Failures
package import HTTP
import Primitives

/// `--rpc-url`, `--chain` and `--cacert`: which nodes to use.
package struct RPCOptions: ParsableArguments {
    // Text, and parsed only in validate(): the parser would repeat a URL, and the API key in it, in its error.
    @Option(
        help: ArgumentHelp(
            "A node's URL. Repeatable: when one fails, the next is used. [environment: ETH_RPC_URL, RPC_URL]",
            valueName: "url"))
    package var rpcUrl: [String] = []

    @Option(
        help: ArgumentHelp(
            "Refuse nodes of any other chain: an id, base, base-sepolia, sepolia or mainnet. [environment: CHAIN]",
            valueName: "chain"),
        completion: .list(chains.keys.sorted()), transform: RPCOptions.chainId(of:))
    package var chain: UInt64?

    @Option(
        help: ArgumentHelp(
            "How long to keep retrying failing nodes. (default: 10)", valueName: "time"),
        transform: TimeoutOption.duration(_:))
    package var retryFor: Duration = .seconds(10)

    @OptionGroup package var tls: TLSOption

    package init() {}

    package func validate() throws { _ = try namedEndpoints() }

    /// The nodes that the options name.
    private func namedEndpoints() throws(SettingError) -> [Endpoint] {
        try rpcUrl.map { url throws(SettingError) in
            do throws(HTTPError) { return try Endpoint(url: url) } catch {
                throw .unusable(option: "--rpc-url", reason: error.description, hints: error.hints)
            }
        }
    }

    private static let chains: [String: UInt64] = [
        "base": 8453, "base-sepolia": 84532, "sepolia": 11_155_111, "mainnet": 1,
    ]

    private static func chainId(of text: String) throws(UnknownName) -> UInt64 {
        guard let id = chains[text] ?? UInt64(text) else {
            throw UnknownName(what: "a chain id or name", text: text, names: chains.keys)
        }
        return id
    }

    /// The chain that the operator named; nil for none.
    ///
    /// - Throws: `SettingError` if CHAIN is neither a known name nor a chain id.
    package func chainId() throws(SettingError) -> UInt64? {
        if let chain { return chain }
        return try Environment.parsed("CHAIN", by: Self.chainId(of:))
    }

    /// The node, not asked yet.
    ///
    /// - Parameters:
    ///   - timeout: how long one request may take, if it is less than the usual 30 seconds; questions are not asked
    ///     again for longer.
    ///   - observer: hears of each request.
    ///   - isCancelled: asked while a request runs; true ends it.
    /// - Throws: `SettingError` if no URL is set.
    package func node(
        timeout: Duration = .seconds(30), observer: @escaping HTTPObserver = { _ in },
        isCancelled: @escaping () -> Bool = { false }
    ) throws(SettingError) -> EthereumNode {
        let limits = Self.limits(timeout: timeout)
        let client = tls.client(observer: observer, isCancelled: isCancelled)
        let clients = try endpoints().map { RPCClient($0, over: client, limits: limits) }
        return EthereumNode(clients, retryBudget: min(retryFor, timeout))
    }

    /// The usual limits, within the time that the program has.
    package static func limits(timeout: Duration) -> HTTPLimits {
        var limits = HTTPLimits()
        limits.deadline = min(limits.deadline, timeout)
        limits.connectTimeout = min(limits.connectTimeout, timeout)
        return limits
    }

    /// The nodes' URLs, in the order in which they were given.
    ///
    /// - Throws: `SettingError` if no URL is set.
    package func endpoints() throws(SettingError) -> [Endpoint] {
        var endpoints = try namedEndpoints()
        if endpoints.isEmpty, let url = try Environment.parsed("ETH_RPC_URL", "RPC_URL", by: Endpoint.init(url:)) {
            endpoints = [url]
        }
        guard !endpoints.isEmpty else {
            throw .missing(what: "the node URL", option: "--rpc-url", environment: "ETH_RPC_URL")
        }
        return endpoints
    }
}

/// `--cacert`: whose certificates are trusted.
package struct TLSOption: ParsableArguments {
    @Option(
        name: .customLong("cacert"),
        help: ArgumentHelp("Trust the certificates in this PEM file instead of the system's.", valueName: "file"))
    package var caFile: String?

    package init() {}

    package func validate() throws(ConsoleError) {
        if let caFile { _ = try Input(path: caFile, awaited: "certificates", diagnostics: Diagnostics(program: "")) }
    }

    /// A client that trusts those certificates.
    ///
    /// - Parameters:
    ///   - observer: hears of each request.
    ///   - isCancelled: asked while a request runs; true ends it.
    package func client(
        observer: @escaping HTTPObserver, isCancelled: @escaping () -> Bool = { false }
    ) -> HTTPClient {
        HTTPClient(caFile: caFile, observer: observer, isCancelled: isCancelled)
    }
}

/// `--verbose`: whether each request is logged.
package struct VerboseOption: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Log each HTTP request and its outcome to standard error.")
    package var verbose = false

    package init() {}

    /// Tells of a program's requests: each on a line if that is wanted, and to a person at a terminal what is waited
    /// for.
    package func observer(_ diagnostics: Diagnostics) -> HTTPObserver {
        let line = StatusLine()
        let isVerbose = verbose
        return { exchange in
            switch exchange.outcome {
            case .waiting, .pausing: break
            case .late, .answered, .failed: if isVerbose { diagnostics.note(exchange.description) }
            }
            switch exchange.outcome {
            case .waiting, .late:
                let seconds = exchange.duration.components.seconds
                line.show(seconds > 0 ? "waiting for \(exchange.endpoint) (\(seconds) s)" : nil)
            case .pausing(let failure): line.show("\(failure); trying again")
            // It may be asked again.
            case .failed(let error) where error.isTransient: line.show(error.description)
            case .answered(let status, _) where HTTPResponse.isTransient(status: status):
                line.show("\(exchange.endpoint): answered HTTP status \(status)")
            case .answered, .failed: line.end()
            }
        }
    }
}
