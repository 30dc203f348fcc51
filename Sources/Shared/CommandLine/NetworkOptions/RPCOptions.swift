package import ArgumentParser
package import CommandLineTool
package import EthereumNode
import Failures
package import HTTP
import Primitives

/// `--rpc-url`, `--chain` and `--cacert`: which node is asked.
package struct RPCOptions: ParsableArguments {
    // Text, and parsed only in validate(): the parser would repeat a URL, and the API key in it, in its error.
    @Option(
        help: ArgumentHelp(
            "A node's URL. Repeatable: the next is asked when one fails. [environment: ETH_RPC_URL, RPC_URL]",
            valueName: "url"))
    package var rpcUrl: [String] = []

    @Option(
        help: ArgumentHelp(
            "Refuse a node of another chain: an id, base, base-sepolia, sepolia or mainnet. [environment: CHAIN]",
            valueName: "chain"),
        transform: RPCOptions.chainId(of:))
    package var chain: UInt64?

    @Option(
        help: ArgumentHelp(
            "How long nodes that fail are asked again. (default: 10)", valueName: "seconds"),
        transform: TimeoutOption.seconds)
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
            throw UnknownName(what: "a chain's id or name", text: text, names: chains.keys)
        }
        return id
    }

    /// The chain that the operator named; nil for none.
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
    /// - Throws: ``SettingError`` if no URL is set.
    package func node(
        timeout: Duration = .seconds(30), observer: @escaping HTTPObserver = { _ in },
        isCancelled: @escaping () -> Bool = { false }
    ) throws(SettingError) -> Node {
        let limits = Self.limits(timeout: timeout)
        let client = tls.client(observer: observer, isCancelled: isCancelled)
        let clients = try endpoints().map { RPCClient($0, over: client, limits: limits) }
        return Node(clients, patience: min(retryFor, timeout))
    }

    /// The usual limits, within the time that the program has.
    static func limits(timeout: Duration) -> HTTPLimits {
        var limits = HTTPLimits()
        limits.deadline = min(limits.deadline, timeout)
        limits.connectTimeout = min(limits.connectTimeout, timeout)
        return limits
    }

    /// The nodes' URLs, in the order in which they were given.
    ///
    /// - Throws: ``SettingError`` if no URL is set.
    package func endpoints() throws(SettingError) -> [Endpoint] {
        var endpoints = try namedEndpoints()
        if endpoints.isEmpty, let url = try Environment.parsed("ETH_RPC_URL", "RPC_URL", by: Endpoint.init(url:)) {
            endpoints = [url]
        }
        guard !endpoints.isEmpty else {
            throw .missing(what: "the node's URL", option: "--rpc-url", environment: "ETH_RPC_URL")
        }
        return endpoints
    }
}
