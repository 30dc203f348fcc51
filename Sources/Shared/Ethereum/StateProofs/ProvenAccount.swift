package import EthereumNode
package import Failures
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

/// Why the nodes' words do not amount to a state that can be relied on. `endpoint` is a node's URL up to its port.
///
/// A node that was caught is not a failed service but an answer: its data cannot be trusted, and asking
/// again would only give the node another chance. So these end a program with exit 1; a node that cannot be reached, or
/// refuses to answer, with exit 3.
package enum ProvenStateError: UserFacingError, Equatable {
    /// A node said what its own proof does not show.
    case caught(endpoint: String, StateProofError)
    /// A node returned a block other than the requested one.
    case otherBlock(endpoint: String, asked: String, given: String)
    /// Nodes show different blocks of the same number; each entry is an endpoint and the hash that it shows.
    case disagreement(number: UInt64, needed: Int, shown: [QuorumNode.Statement])
    /// A node ends long before another.
    case farBehind(endpoint: String, head: UInt64, other: String, otherHead: UInt64)
    /// The newest block that is agreed upon is older than it may be.
    case tooOld(number: UInt64, age: UInt64, limit: UInt64)
    /// No node knows the block that was pinned.
    case unknownBlock(Bytes32)
    /// A node is of another chain than the one that was named.
    case wrongChain(endpoint: String, expected: UInt64, actual: UInt64)
    /// Fewer nodes answered than must agree; `last` is what went wrong with one of the others.
    case tooFewNodes(needed: Int, answered: Int, last: String)
    /// A node gave no answer.
    case failed(endpoint: String, NodeError)
    /// More nodes must agree than there are.
    case quorumTooLarge(quorum: Int, nodes: Int)

    package var kind: ErrorCategory {
        switch self {
        case .caught, .otherBlock, .disagreement, .farBehind, .tooOld, .unknownBlock: .negativeResult
        case .wrongChain, .quorumTooLarge: .badInput
        case .tooFewNodes: .serviceFailed
        case .failed(_, let error): error.kind
        }
    }

    package var description: String {
        switch self {
        case .caught(let endpoint, let error): "\(endpoint): cannot be trusted: \(error)"
        case .otherBlock(let endpoint, let asked, let given):
            "\(endpoint): cannot be trusted: asked for block \(asked), it returned \(given)"
        case .disagreement(let number, let needed, let shown):
            "nodes disagree about block \(number), and \(needed) must agree: "
                + shown.map { "\($0.endpoint) shows \($0.hash.hex)" }.joined(separator: ", ")
        case .farBehind(let endpoint, let head, let other, let otherHead):
            "\(endpoint) is at block \(head), and \(other) at \(otherHead): one of them cannot be trusted"
        case .tooOld(let number, let age, let limit):
            "the newest block shown, \(number), is \(age) seconds old, and at most \(limit) are allowed"
        case .unknownBlock(let hash): "no node knows block \(hash)"
        case .wrongChain(let endpoint, let expected, let actual):
            "\(endpoint): the node is on chain \(actual), not on chain \(expected)"
        case .tooFewNodes(let needed, let answered, let last):
            "\(needed) nodes must agree on a block, but \(answered) answered: \(last)"
        case .failed(let endpoint, let error):
            error.description.hasPrefix(endpoint) ? error.description : "\(endpoint): \(error)"
        case .quorumTooLarge(let quorum, let nodes): "\(quorum) nodes must agree, but only \(nodes) are given"
        }
    }

    package var hints: [String] {
        switch self {
        case .caught(_, let error): error.hints
        case .disagreement, .farBehind:
            ["one of them lies or follows a fork: name the block to trust with --block-hash"]
        case .failed(_, .methodFailed): ["the node must support eth_getProof for this block"]
        case .failed(_, let error): error.hints
        case .otherBlock: ["the node is lying or broken: use another"]
        case .tooOld: ["the nodes lag behind: use others, or raise --max-age"]
        case .unknownBlock:
            ["are the hash and the chain right? a node may not have the block yet, or may have dropped it"]
        case .wrongChain(_, let expected, let actual):
            ["name a node on chain \(expected) with --rpc-url, or chain \(actual) with --chain"]
        case .tooFewNodes: ["name more nodes with --rpc-url, or lower --quorum"]
        case .quorumTooLarge: ["name more nodes with --rpc-url; a node named twice counts once"]
        }
    }
}
