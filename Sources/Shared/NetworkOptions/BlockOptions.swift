package import ArgumentParser
package import BridgeClient

/// `--block` and `--confirmations`: after which block inboxes are read.
package struct BlockOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Read the state after the latest block, or after the one that the chain holds for safe or finalized.",
            valueName: "block"))
    package var block: Tag?

    @Option(
        help: ArgumentHelp(
            "Read a message when so many blocks, its own counted, keep it; 1, the latest block, by default.",
            valueName: "n"))
    package var confirmations: UInt64?

    /// The names of blocks.
    package enum Tag: String, ExpressibleByArgument, CaseIterable {
        case latest, safe, finalized
    }

    package init() {}

    package func validate() throws {
        guard block == nil || confirmations == nil else {
            throw ValidationError("--block and --confirmations both say which block is read: name one of them")
        }
        if confirmations == 0 { throw ValidationError("--confirmations is at least 1, which is the latest block") }
    }

    /// The block that the options name; nil for none.
    package var named: ReadingBlock? {
        switch block {
        case .latest: .latest
        case .safe: .safe
        case .finalized: .finalized
        case nil: confirmations.map { .newest(confirmations: $0) }
        }
    }
}
