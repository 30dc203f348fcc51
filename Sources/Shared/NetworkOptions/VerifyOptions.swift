package import ArgumentParser
package import BridgeClient
import HTTP
import JSONRPC
import Node
package import Primitives
import Program
import ProvenState

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

    @Option(
        help: ArgumentHelp("Pass over messages that are longer; 65536 by default. With --verify.", valueName: "bytes"))
    package var maxPayload: UInt64?

    package init() {}

    package func validate() throws {
        if !verify, quorum != nil || blockHash != nil || maxAge != nil || maxPayload != nil {
            throw ValidationError("--quorum, --block-hash, --max-age and --max-payload need --verify")
        }
        if let maxPayload, maxPayload > 1 << 24 { throw ValidationError("--max-payload is at most 16777216") }
        if let quorum, quorum < 1 { throw ValidationError("--quorum is at least 1") }
        if blockHash != nil, quorum != nil || maxAge != nil {
            throw ValidationError("--block-hash names the block: --quorum and --max-age have no part in it")
        }
    }

    /// What reads the bridge, as far as it is trusted.
    ///
    /// - Parameters:
    ///   - block: after which block inboxes are read, if the operator named one; with `--verify` the nodes agree on it.
    ///   - timeout: how long one request may take, if it is less than the usual 30 seconds.
    ///   - isCancelled: whether a request that runs should end.
    ///   - warn: says what should be seen and does not prevent an answer.
    /// - Throws: `SettingError`, `ProvenStateError`.
    package func reader(
        of bridge: Address, rpc: RPCOptions, block: ReadingBlock? = nil, timeout: Duration,
        isCancelled: @escaping () -> Bool = { false }, warn: @escaping (String) -> Void
    ) throws -> any BridgeReader {
        guard verify else {
            let node = try rpc.node(timeout: timeout, isCancelled: isCancelled)
            return BridgeClient(node, bridge: bridge, chainId: try rpc.chainId(), block: block ?? .latest)
        }
        guard block == nil else {
            throw SettingError.unusable(
                option: "--block or --confirmations", reason: "with --verify, --block-hash names the block")
        }
        var witnesses: [Witness] = []
        var seen: Set<Endpoint> = []
        let client = rpc.tls.client(isCancelled: isCancelled)
        for endpoint in try rpc.endpoints() where seen.insert(endpoint).inserted {
            let node = Node([RPCClient(endpoint, over: client, limits: RPCOptions.limits(timeout: timeout))])
            witnesses.append(Witness(endpoint: endpoint.displayName, node: node))
        }
        let agreement = try BlockAgreement(
            of: witnesses, quorum: quorum, pinned: blockHash, chainId: try rpc.chainId(), maxAge: maxAge, warn: warn)
        return VerifiedBridge(
            bridge, agreement: agreement, maxPayload: maxPayload ?? VerifiedBridge.defaultMaxPayload)
    }
}
