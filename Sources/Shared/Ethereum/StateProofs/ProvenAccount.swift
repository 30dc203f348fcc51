package import JSON
package import Primitives
import Transactions

/// An account and words of its storage, as eth_getProof (EIP-1186) proves them against a block's state root.
package struct ProvenAccount: Equatable, Sendable {
    /// The account; nil where the proof shows that there is none.
    package let state: AccountState?
    /// The words at the requested slots, in order; zero where the proof shows that there is none.
    package let words: [Bytes32]

    /// Checks the node's answer to a question about these slots of this account.
    ///
    /// All values come out of the proofs. What the node claims besides (nonce, balance, code hash, storage root,
    /// each slot and its value) is compared all the same: a node that contradicts its own proof should not go unseen.
    /// - Throws: ``StateProofError``.
    package init(
        json: JSONObject, of address: Address, slots: [Bytes32], stateRoot: Bytes32
    ) throws(StateProofError) {
        let subject = ProofSubject.account(address)
        let nodes = try Self.nodes(json, "accountProof")
        do throws(ProofFlaw) {
            let leaf = try MerkleProof.value(at: Keccak256.hash(address.bytes), below: stateRoot, nodes: nodes)
            state = try leaf.map { bytes throws(ProofFlaw) in try AccountState(rlp: bytes) }
        } catch {
            throw .unproven(subject, error)
        }
        guard let state else {
            words = slots.map { _ in .zero }
            return
        }
        try Self.compare(
            json,
            with: [
                "address": address.bytes.hex, "nonce": state.nonce.quantity, "balance": state.balance.quantity,
                "storageHash": state.storageRoot.hex, "codeHash": state.codeHash.hex,
            ], subject)

        guard let proofs = json["storageProof"]?.array else {
            throw .malformed(member: "storageProof", expected: "an array")
        }
        guard proofs.count == slots.count else { throw .wrongCount(expected: slots.count, actual: proofs.count) }
        words = try zip(slots, proofs).map { slot, proof throws(StateProofError) in
            guard let object = proof.object else { throw .malformed(member: "storageProof", expected: "objects") }
            return try Self.word(object, at: slot, below: state.storageRoot)
        }
    }

    private static func word(
        _ json: JSONObject, at slot: Bytes32, below root: Bytes32
    ) throws(StateProofError) -> Bytes32 {
        let nodes = try nodes(json, "proof")
        let word: Bytes32
        do throws(ProofFlaw) {
            let leaf = try MerkleProof.value(at: Keccak256.hash(slot.bytes), below: root, nodes: nodes)
            word = try leaf.map { bytes throws(ProofFlaw) in try AccountState.word(rlp: bytes) } ?? .zero
        } catch {
            throw .unproven(.slot(slot), error)
        }
        try compare(json, with: ["key": slot.hex, "value": word.hex], .slot(slot))
        return word
    }

    private static func nodes(_ json: JSONObject, _ name: String) throws(StateProofError) -> [[UInt8]] {
        let expected = "an array of hex"
        guard let elements = json[name]?.array else { throw .malformed(member: name, expected: expected) }
        return try elements.map { element throws(StateProofError) in
            guard let text = element.string, let bytes = try? Hex.decode(text) else {
                throw .malformed(member: name, expected: expected)
            }
            return bytes
        }
    }

    /// Makes sure that members, where they are there, have these values with any number of leading zeros: nodes differ
    /// in both.
    private static func compare(
        _ json: JSONObject, with values: KeyValuePairs<String, String>, _ subject: ProofSubject
    ) throws(StateProofError) {
        for (name, value) in values {
            guard let member = json[name] else { continue }
            guard let claimed = member.string, claimed.hasPrefix("0x") else {
                throw .malformed(member: name, expected: "hex")
            }
            guard digits(of: claimed) == digits(of: value) else { throw .contradicted(subject, member: name) }
        }
    }

    /// The hex digits after 0x, in lower case and without leading zeros.
    private static func digits(of text: String) -> String { String(text.dropFirst(2).drop { $0 == "0" }).lowercased() }
}

/// What the state holds of an account (Ethereum yellow paper, 4.1).
package struct AccountState: Equatable, Sendable {
    /// How many transactions it sent, or contracts it created.
    package let nonce: UInt64
    /// What it has, in wei.
    package let balance: UInt256
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
            guard value != 0 else { throw RLPError.wrongShape(expected: "a number other than zero") }
            return value.word
        } catch {
            throw .malformedValue(reason: error.description)
        }
    }

    private static func number(_ item: RLP) throws(RLPError) -> UInt256 {
        let bytes = try item.string()
        guard bytes.first != 0 else { throw .notCanonical }
        guard let number = UInt256(bigEndian: bytes.span) else { throw .wrongShape(expected: "a number of 256 bits") }
        return number
    }

    private static func hash(_ item: RLP) throws(RLPError) -> Bytes32 {
        guard let hash = try? Bytes32(item.string()) else { throw .wrongShape(expected: "a hash of 32 bytes") }
        return hash
    }
}
