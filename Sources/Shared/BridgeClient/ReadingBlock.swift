import Node

/// After which block an inbox is read: the newer, the sooner a message is seen; the older, the surer it stays.
package enum ReadingBlock: Sendable, Equatable {
    /// The newest block that has so many blocks on it, itself counted: 1 is the newest of all. At least 1.
    case newest(confirmations: UInt64)
    /// The newest block that the consensus holds for safe, as the node tells it.
    case safe
    /// The newest block that the consensus will not go back on, as the node tells it.
    case finalized

    /// The newest block of all.
    package static let latest = ReadingBlock.newest(confirmations: 1)

    /// The tag of the newest state that can matter: what is not there has not been posted, or not surely enough.
    var horizon: BlockTag {
        switch self {
        case .newest: .latest
        case .safe: .safe
        case .finalized: .finalized
        }
    }
}
