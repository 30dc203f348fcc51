package import ArgumentParser
package import BridgeClient
import CommandLineTool
import EthereumNode
package import HTTP
package import Primitives
import StateProofs

/// `--verify` and what goes with it: whether the nodes' answers are proven, and which block they are proven by.
package struct VerifyOptions: ParsableArguments {
    @Flag(help: "Trust no node: read the contract's storage with Merkle proofs (eth_getProof).")
    package var verify = false

    @Option(
        help: ArgumentHelp(
            "With --verify: how many nodes must agree on the block; all of them by default.", valueName: "n"))
    package var quorum: Int?

    @Option(
        help: ArgumentHelp(
            "With --verify: read the state as of this block, whichever node provides it.", valueName: "hash"),
        transform: { try Bytes32(hex: $0) })
    package var blockHash: Bytes32?

    @Option(
        help: ArgumentHelp(
            "With --verify: refuse a block older than this; one older than 15m is a warning.", valueName: "time"),
        transform: TimeoutOption.age)
    package var maxAge: UInt64?

    package init() {}

    package func validate() throws {
        if !verify, quorum != nil || blockHash != nil || maxAge != nil {
            throw ValidationError("--quorum, --block-hash and --max-age need --verify")
        }
        if let quorum, quorum < 1 { throw ValidationError("--quorum must be at least 1") }
        try ExclusiveOptions.check(["--block-hash": blockHash != nil, "--quorum": quorum != nil])
        try ExclusiveOptions.check(["--block-hash": blockHash != nil, "--max-age": maxAge != nil])
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
            let node = EthereumNode([RPCClient(endpoint, over: client, limits: RPCOptions.limits(timeout: timeout))])
            nodes.append(QuorumNode(endpoint: endpoint.displayName, node: node))
        }
        let agreement = try BlockAgreement(
            of: nodes, quorum: quorum, pinned: blockHash, chainId: try rpc.chainId(), maxAge: maxAge, warn: warn)
        return VerifiedBridge(bridge, agreement: agreement, maxPayload: maxPayload)
    }
}

/// `--block`, `--confirmations`, `--max-payload` and `--max-messages`: what of an inbox is read.
package struct InboxOptions: ParsableArguments {
    @Option(
        name: .customLong("block"),
        help: ArgumentHelp(
            "Read the state as of the latest, the safe or the finalized block.",
            valueName: "block"))
    package var tag: Tag?

    @Option(
        help: ArgumentHelp(
            "Number of confirmations a message needs, counting its own block; 1 by default.",
            valueName: "n"))
    package var confirmations: UInt64?

    @Option(
        help: ArgumentHelp("Skip longer messages, with a warning.", valueName: "bytes"))
    package var maxPayload = BridgeClient.defaultMaxPayload

    @Option(
        help: ArgumentHelp(
            "Read at most this many messages in one poll; the next poll continues.", valueName: "n"))
    package var maxMessages: UInt64 = 10_000

    /// The names of blocks.
    package enum Tag: String, ExpressibleByArgument, CaseIterable {
        /// A block tag as nodes know it.
        case latest, safe, finalized
    }

    package init() {}

    package func validate() throws {
        try ExclusiveOptions.check(["--block": tag != nil, "--confirmations": confirmations != nil])
        if confirmations == 0 { throw ValidationError("--confirmations must be at least 1, which is the latest block") }
        if maxMessages == 0 { throw ValidationError("--max-messages must be at least 1") }
        if maxPayload > 1 << 24 { throw ValidationError("--max-payload must be at most 16777216") }
    }

    /// The block that the options name; nil for none. With `--verify` the nodes agree on one instead.
    package var block: BlockSelector? {
        switch tag {
        case .latest: .latest
        case .safe: .safe
        case .finalized: .finalized
        case nil: confirmations.map { .newest(confirmations: $0) }
        }
    }
}
