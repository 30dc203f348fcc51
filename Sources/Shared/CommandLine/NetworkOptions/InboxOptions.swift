package import ArgumentParser
package import BridgeClient

/// `--block`, `--confirmations`, `--max-payload` and `--max-messages`: what of an inbox is read.
package struct InboxOptions: ParsableArguments {
    @Option(
        name: .customLong("block"),
        help: ArgumentHelp(
            "Read the state after the latest block, or after the one that the chain holds for safe or finalized.",
            valueName: "block"))
    package var tag: Tag?

    @Option(
        help: ArgumentHelp(
            "Read a message when so many blocks, its own counted, keep it; 1, the latest block, by default.",
            valueName: "n"))
    package var confirmations: UInt64?

    @Option(
        help: ArgumentHelp("Pass over messages that are longer. (default: 65536)", valueName: "bytes"))
    package var maxPayload = BridgeClient.defaultMaxPayload

    @Option(
        help: ArgumentHelp(
            "Read at most this many messages in one look; the next one goes on. (default: 10000)", valueName: "n"))
    package var maxMessages: UInt64 = 10_000

    /// The names of blocks.
    package enum Tag: String, ExpressibleByArgument, CaseIterable {
        case latest, safe, finalized
    }

    package init() {}

    package func validate() throws {
        guard tag == nil || confirmations == nil else {
            throw ValidationError("--block and --confirmations both say which block is read: name one of them")
        }
        if confirmations == 0 { throw ValidationError("--confirmations is at least 1, which is the latest block") }
        if maxMessages == 0 { throw ValidationError("--max-messages is at least 1") }
        if maxPayload > 1 << 24 { throw ValidationError("--max-payload is at most 16777216") }
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
