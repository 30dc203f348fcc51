package import Primitives
import Transactions

/// What the state holds of an account (Ethereum yellow paper, 4.1).
package struct AccountState: Equatable, Sendable {
    /// How many transactions it sent, or contracts it created.
    package let nonce: UInt64
    /// What it has, in wei.
    package let balance: Quantity
    /// The root of its storage's trie.
    package let storageRoot: Bytes32
    /// The hash of its code.
    package let codeHash: Bytes32

    /// Whether the account has code.
    package var isContract: Bool { codeHash != Keccak256.hash([]) }

    /// The account that a leaf of the state trie holds.
    ///
    /// - Throws: ``ProofFlaw/malformedValue(reason:)`` for all but the one form of an account.
    package init(rlp bytes: [UInt8]) throws(ProofFlaw) {
        do throws(RLPError) {
            let items = try RLP(decoding: bytes).list(count: 4)
            let nonce = try Self.number(items[0])
            balance = try Self.number(items[1])
            guard let nonce = nonce.uint64 else { throw RLPError.wrongShape(expected: "a nonce of 64 bits") }
            self.nonce = nonce
            storageRoot = try Self.hash(items[2])
            codeHash = try Self.hash(items[3])
        } catch {
            throw .malformedValue(reason: error.description)
        }
    }

    /// The word of storage that a leaf of a storage trie holds: an RLP string without leading zeros. Zero is not held.
    ///
    /// - Throws: ``ProofFlaw/malformedValue(reason:)``.
    static func word(rlp bytes: [UInt8]) throws(ProofFlaw) -> Bytes32 {
        do throws(RLPError) {
            let value = try number(RLP(decoding: bytes))
            guard value != .zero else { throw RLPError.wrongShape(expected: "a number other than zero") }
            return value.word
        } catch {
            throw .malformedValue(reason: error.description)
        }
    }

    private static func number(_ item: RLP) throws(RLPError) -> Quantity {
        let bytes = try item.string()
        guard bytes.first != 0 else { throw .notCanonical }
        guard let number = try? Quantity(bigEndian: bytes) else { throw .wrongShape(expected: "a number of 256 bits") }
        return number
    }

    private static func hash(_ item: RLP) throws(RLPError) -> Bytes32 {
        guard let hash = try? Bytes32(item.string()) else { throw .wrongShape(expected: "a hash of 32 bytes") }
        return hash
    }
}
