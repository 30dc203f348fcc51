package import JSON
package import Primitives
import Transactions

/// A block's header whose hash is known to be the hash of its fields.
///
/// Whether the block is one of the chain, only the hash can tell: it must be known from somewhere else.
package struct BlockHeader: Equatable, Sendable {
    /// The block's hash, computed from all of its fields.
    package let hash: Bytes32
    /// The block's number.
    package let number: UInt64
    /// When it was made, in seconds of Unix time.
    package let timestamp: UInt64
    /// The root of the state's trie after the block.
    package let stateRoot: Bytes32

    /// The header of a block as eth_getBlockByNumber and eth_getBlockByHash state it.
    ///
    /// The fields are those of every fork up to Prague, in the order in which forks brought them; OP stack chains such
    /// as Base have the same. Members that are no header fields are ignored.
    /// - Throws: ``StateProofError``, above all ``StateProofError/falseHash(claimed:actual:)``.
    package init(json: JSONObject) throws(StateProofError) {
        var items: [RLP] = []
        for field in HeaderField.ofEveryBlock { items.append(try field.item(of: json)) }
        var missing: String?
        for field in HeaderField.ofLaterForks {
            guard json[field.name].map({ !$0.isNull }) ?? false else {
                missing = missing ?? field.name
                continue
            }
            if let missing { throw .missingField(missing, before: field.name) }
            items.append(try field.item(of: json))
        }
        hash = Keccak256.hash(RLP.list(items).encoded)
        let claimed = try HeaderField.hash(json, "hash")
        guard claimed == hash else { throw .falseHash(claimed: claimed, actual: hash) }
        number = try HeaderField.number(json, "number")
        timestamp = try HeaderField.number(json, "timestamp")
        stateRoot = try HeaderField.hash(json, "stateRoot")
    }
}

/// A field of a block's header: its name in JSON-RPC, and its form.
struct HeaderField {
    let name: String
    let form: Form

    /// How a field is encoded.
    enum Form {
        /// So many bytes.
        case bytes(Int)
        /// At most this many bytes.
        case upTo(Int)
        /// A number of at most this many bits.
        case number(bits: Int)
    }

    /// The fields that every block has, in their order (Ethereum yellow paper, 4.4).
    static let ofEveryBlock = [
        HeaderField(name: "parentHash", form: .bytes(32)), HeaderField(name: "sha3Uncles", form: .bytes(32)),
        HeaderField(name: "miner", form: .bytes(20)), HeaderField(name: "stateRoot", form: .bytes(32)),
        HeaderField(name: "transactionsRoot", form: .bytes(32)), HeaderField(name: "receiptsRoot", form: .bytes(32)),
        HeaderField(name: "logsBloom", form: .bytes(256)), HeaderField(name: "difficulty", form: .number(bits: 256)),
        HeaderField(name: "number", form: .number(bits: 64)), HeaderField(name: "gasLimit", form: .number(bits: 64)),
        HeaderField(name: "gasUsed", form: .number(bits: 64)), HeaderField(name: "timestamp", form: .number(bits: 64)),
        HeaderField(name: "extraData", form: .upTo(4096)), HeaderField(name: "mixHash", form: .bytes(32)),
        HeaderField(name: "nonce", form: .bytes(8)),
    ]

    /// The fields that forks added after them; a block that has one has all before it.
    static let ofLaterForks = [
        HeaderField(name: "baseFeePerGas", form: .number(bits: 256)),  // London, EIP-1559
        HeaderField(name: "withdrawalsRoot", form: .bytes(32)),  // Shanghai, EIP-4895
        HeaderField(name: "blobGasUsed", form: .number(bits: 64)),  // Cancun, EIP-4844
        HeaderField(name: "excessBlobGas", form: .number(bits: 64)),  // Cancun, EIP-4844
        HeaderField(name: "parentBeaconBlockRoot", form: .bytes(32)),  // Cancun, EIP-4788
        HeaderField(name: "requestsHash", form: .bytes(32)),  // Prague, EIP-7685
    ]

    /// The field of a block as in the header's list.
    ///
    /// - Throws: ``StateProofError`` if it is missing or malformed.
    func item(of block: JSONObject) throws(StateProofError) -> RLP {
        switch form {
        case .bytes(let count):
            .string(
                try Self.parsed(block, name, as: "\(count) bytes of hex") { text in
                    (try? Hex.decode(text, prefix: .optional)).flatMap { $0.count == count ? $0 : nil }
                })
        case .upTo(let limit):
            .string(
                try Self.parsed(block, name, as: "at most \(limit) bytes of hex") { text in
                    (try? Hex.decode(text, prefix: .optional)).flatMap { $0.count <= limit ? $0 : nil }
                })
        case .number(let bits):
            .string(
                try Self.parsed(block, name, as: "a quantity of at most \(bits) bits") { text in
                    (try? UInt256(quantity: text)).flatMap { $0.bitCount <= bits ? $0.minimalBytes : nil }
                })
        }
    }

    /// A member that is 32 bytes.
    ///
    /// - Throws: ``StateProofError`` if it is missing or malformed.
    static func hash(_ object: JSONObject, _ name: String) throws(StateProofError) -> Bytes32 {
        try parsed(object, name, as: "32 bytes of hex") { try? Bytes32(hex: $0, prefix: .optional) }
    }

    /// A member that is a quantity of at most 64 bits.
    ///
    /// - Throws: ``StateProofError`` if it is missing or malformed.
    static func number(_ object: JSONObject, _ name: String) throws(StateProofError) -> UInt64 {
        try parsed(object, name, as: "a quantity of at most 64 bits") { try? UInt64(quantity: $0) }
    }

    private static func parsed<Value>(
        _ object: JSONObject, _ name: String, as expected: String, _ parse: (String) -> Value?
    ) throws(StateProofError) -> Value {
        guard let text = object[name]?.string, let value = parse(text) else {
            throw .malformed(member: name, expected: expected)
        }
        return value
    }
}
