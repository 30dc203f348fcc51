package import ArgumentParser
package import BridgeClient
import CommandLineTool
import EthereumNode
package import HTTP
package import Primitives
import StateProofs

/// `--verify` and what goes with it: whether the nodes' answers are proven, and which block they are proven by.
package struct VerifyOptions: ParsableArguments {
    @Flag(help: "Believe no node: read the contract's storage with proofs of it (eth_getProof).")
    package var verify = false

    @Option(
        help: ArgumentHelp(
            "How many of the nodes must show the same block; all of them by default. With --verify.", valueName: "n"))
    package var quorum: Int?

    @Option(
        help: ArgumentHelp("Read the state after this block, whoever shows it. With --verify.", valueName: "hash"),
        transform: { try Bytes32(hex: $0) })
    package var blockHash: Bytes32?

    @Option(
        help: ArgumentHelp(
            "Refuse an agreed block that is older; a warning comes from 900 on. With --verify.", valueName: "seconds"))
    package var maxAge: UInt64?

    package init() {}

    package func validate() throws {
        if !verify, quorum != nil || blockHash != nil || maxAge != nil {
            throw ValidationError("--quorum, --block-hash and --max-age need --verify")
        }
        if let quorum, quorum < 1 { throw ValidationError("--quorum is at least 1") }
        if blockHash != nil, quorum != nil || maxAge != nil {
            throw ValidationError("--block-hash names the block: --quorum and --max-age have no part in it")
        }
    }

    /// What reads the bridge, as far as it is trusted.
    ///
    /// - Parameters:
    ///   - inbox: how inboxes are read, for a program that reads one.
    ///   - timeout: how long one request may take, if it is less than the usual 30 seconds.
    ///   - observer: hears of each request.
    ///   - isCancelled: whether a request that runs should end.
    ///   - warn: says what should be seen and does not prevent an answer.
    /// - Throws: `ValidationError`, `SettingError`, `ProvenStateError`.
    package func reader(
        of bridge: Address, rpc: RPCOptions, inbox: InboxOptions? = nil, timeout: Duration,
        observer: @escaping HTTPObserver, isCancelled: @escaping () -> Bool = { false },
        warn: @escaping (String) -> Void
    ) throws -> any BridgeReader {
        let maxPayload = inbox?.maxPayload ?? BridgeClient.defaultMaxPayload
        guard verify else {
            let node = try rpc.node(timeout: timeout, observer: observer, isCancelled: isCancelled)
            return BridgeClient(
                node, bridge: bridge, chainId: try rpc.chainId(), block: inbox?.block ?? .latest, maxPayload: maxPayload
            )
        }
        guard inbox?.block == nil else {
            throw SettingError.unusable(
                option: "--block or --confirmations", reason: "with --verify, --block-hash names the block")
        }
        var nodes: [QuorumNode] = []
        var seen: Set<Endpoint> = []
        let client = rpc.tls.client(observer: observer, isCancelled: isCancelled)
        for endpoint in try rpc.endpoints() where seen.insert(endpoint).inserted {
            let node = Node([RPCClient(endpoint, over: client, limits: RPCOptions.limits(timeout: timeout))])
            nodes.append(QuorumNode(endpoint: endpoint.displayName, node: node))
        }
        let agreement = try BlockAgreement(
            of: nodes, quorum: quorum, pinned: blockHash, chainId: try rpc.chainId(), maxAge: maxAge, warn: warn)
        return VerifiedBridge(bridge, agreement: agreement, maxPayload: maxPayload)
    }
}
