package import Primitives

/// What a message is known by again, in constant size: whether the message that was read last still stands where it
/// stood can be asked along with the number of messages, and costs three words of storage.
///
/// A chain may replace its newest blocks (a reorganisation), and an inbox then holds other messages than were read, in
/// their places. The mark has the sender, the payload's length and its first 32 bytes, which for a sealed message are
/// of a key that was made for it alone. Neither the hash of a payload, which would have to be read whole, nor that of a
/// block would do: a block comes with the hashes of all its transactions, its header alone (eth_getHeaderByNumber) is
/// not offered everywhere, and where the hash has changed the messages need not have.
///
/// It does not depend on how a contract keeps its messages, or on who read them.
package struct MessageMark: Equatable, Sendable {
    /// The message's place in the inbox, from 0.
    package let index: UInt64
    /// Keccak-256 of the sender, the payload's length as a word, and its first 32 bytes with zeros behind a shorter
    /// one.
    package let digest: Bytes32

    /// A mark that was kept.
    package init(index: UInt64, digest: Bytes32) {
        self.index = index
        self.digest = digest
    }

    /// - Parameter start: the payload, or as many of its bytes as there are at hand, at least 32 of a longer one.
    init(index: UInt64, from: Bytes32, count: UInt64, start: some Sequence<UInt8>) {
        let first = Array(start.prefix(Bytes32.byteCount))
        let padding = [UInt8](repeating: 0, count: Bytes32.byteCount - first.count)
        self.index = index
        digest = Keccak256.hash(from.bytes + Quantity(count).word.bytes + first + padding)
    }
}
