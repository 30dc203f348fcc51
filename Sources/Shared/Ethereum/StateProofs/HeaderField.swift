import BigInt
import JSON
import Primitives
import Transactions

/// A field of a block's header: its name in JSON-RPC, and its form.
struct HeaderField {
    let name: String
    let form: Form

    enum Form {
        /// So many bytes.
        case bytes(Int)
        /// At most so many bytes.
        case upTo(Int)
        /// A number of at most so many bits.
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

    /// The fields that forks added behind them; a block that has one has all before it.
    static let ofLaterForks = [
        HeaderField(name: "baseFeePerGas", form: .number(bits: 256)),  // London, EIP-1559
        HeaderField(name: "withdrawalsRoot", form: .bytes(32)),  // Shanghai, EIP-4895
        HeaderField(name: "blobGasUsed", form: .number(bits: 64)),  // Cancun, EIP-4844
        HeaderField(name: "excessBlobGas", form: .number(bits: 64)),  // Cancun, EIP-4844
        HeaderField(name: "parentBeaconBlockRoot", form: .bytes(32)),  // Cancun, EIP-4788
        HeaderField(name: "requestsHash", form: .bytes(32)),  // Prague, EIP-7685
    ]

    /// The field of a block as it stands in the header's list.
    func item(of block: JSONObject) throws(StateProofError) -> RLP {
        switch form {
        case .bytes(let count):
            .string(
                try Self.parsed(block, name, as: "\(count) bytes of hex") { text in
                    (try? Hex.decode(text)).flatMap { $0.count == count ? $0 : nil }
                })
        case .upTo(let limit):
            .string(
                try Self.parsed(block, name, as: "at most \(limit) bytes of hex") { text in
                    (try? Hex.decode(text)).flatMap { $0.count <= limit ? $0 : nil }
                })
        case .number(let bits):
            .string(
                try Self.parsed(block, name, as: "a quantity of at most \(bits) bits") { text in
                    (try? Quantity(hex: text)).flatMap { $0.value.bitWidth <= bits ? $0.minimalBytes : nil }
                })
        }
    }

    /// A member that is 32 bytes.
    static func hash(_ object: JSONObject, _ name: String) throws(StateProofError) -> Bytes32 {
        try parsed(object, name, as: "32 bytes of hex") { try? Bytes32(hex: $0) }
    }

    /// A member that is a quantity of at most 64 bits.
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
