package import JSON
package import Primitives
import Secp256k1

/// A transaction of any type in a block, as a node shows it, of which the signature was checked.
///
/// A node can make up everything about a transaction but a signature: that this one exists is the word of the account
/// that signed it, whoever shows it. That it is in the block is the node's word alone.
package struct MinedTransaction: Equatable, Sendable {
    /// The account that signed.
    package let sender: Address
    /// How many transactions the sender had sent before.
    package let nonce: UInt64
    /// The chain on which alone it is valid.
    package let chainId: UInt64
    /// The hash under which nodes know it, computed here.
    package let hash: Bytes32

    /// Reads a transaction object of JSON-RPC (eth_getBlockByNumber with whole transactions): legacy with a chain id
    /// (EIP-155), and types 1 (EIP-2930), 2 (EIP-1559), 3 (EIP-4844) and 4 (EIP-7702).
    ///
    /// - Throws: ``TransactionError`` for another type, for what is missing or not of its form, and for a signature that
    ///   nobody can have made.
    package init(json object: JSONObject) throws(TransactionError) {
        let fields = TransactionFields(object: object)
        let type = object["type"] == nil ? 0 : try fields.small("type")
        nonce = try fields.small("nonce")
        let signed: [RLP]
        let parity: UInt64
        if type == 0 {
            // v is 35 or 36 and twice the chain's id.
            let v = try fields.small("v")
            guard v >= 35 else { throw .malformed("it names no chain (EIP-155)") }
            (chainId, parity) = ((v - 35) / 2, (v - 35) % 2)
            signed = try ["nonce", "gasPrice", "gas"].map(fields.number) + fields.call()
        } else {
            chainId = try fields.small("chainId")
            parity = try fields.small(object["yParity"] == nil ? "v" : "yParity")
            signed = try fields.typed(type)
        }
        let chain = RLP.string(UInt256(chainId).minimalBytes)
        let prefix = type == 0 ? [] : [UInt8(truncatingIfNeeded: type)]
        let unsigned = type == 0 ? signed + [chain, .string([]), .string([])] : [chain] + signed
        let (r, s) = (try fields.quantity("r"), try fields.quantity("s"))
        guard parity <= 1 else { throw .malformed("its parity is \(parity)") }
        do throws(Secp256k1Error) {
            let signature = try RecoverableSignature(r.word.bytes + s.word.bytes + [parity == 0 ? 0 : 1])
            // The twin of a signature has another hash, and no chain takes it (EIP-2).
            guard signature.isLowS else { throw .highS }
            sender = try signature.recover(prehash: Keccak256.hash(prefix + RLP.list(unsigned).encoded)).address
        } catch { throw .invalidSignature(error.description) }
        let v = type == 0 ? try fields.number("v") : .string(parity == 0 ? [] : [1])
        let whole = (type == 0 ? signed : unsigned) + [v, .string(r.minimalBytes), .string(s.minimalBytes)]
        hash = Keccak256.hash(prefix + RLP.list(whole).encoded)
    }
}

/// The members of a transaction object, as the items of RLP that are signed.
private struct TransactionFields {
    let object: JSONObject

    func quantity(_ name: String) throws(TransactionError) -> UInt256 {
        do { return try UInt256(quantity: object.string(name)) } catch { throw .malformed("\(error)") }
    }

    func small(_ name: String) throws(TransactionError) -> UInt64 {
        guard let number = try quantity(name).uint64 else { throw .malformed("\(name) has more than 64 bits") }
        return number
    }

    func number(_ name: String) throws(TransactionError) -> RLP { .string(try quantity(name).minimalBytes) }

    func bytes(_ name: String) throws(TransactionError) -> RLP {
        do { return .string(try Hex.decode(object.string(name))) } catch { throw .malformed("\(error)") }
    }

    func elements(_ name: String) throws(TransactionError) -> [JSONValue] {
        do throws(JSONError) { return try object[name] == nil ? [] : object.array(name) } catch {
            throw .malformed(error.description)
        }
    }

    /// Whom it calls with what: to, value, data.
    func call() throws(TransactionError) -> [RLP] {
        let to: RLP = object["to"].map(\.isNull) ?? true ? .string([]) : try bytes("to")
        return [to, try number("value"), try bytes("input")]
    }

    /// What a transaction of a type signs after the chain id.
    func typed(_ type: UInt64) throws(TransactionError) -> [RLP] {
        let fees = type == 1 ? ["gasPrice"] : ["maxPriorityFeePerGas", "maxFeePerGas"]
        var items = try (["nonce"] + fees + ["gas"]).map(number) + call()
        items.append(.list(try elements("accessList").map(Self.access)))
        switch type {
        case 1, 2: break
        case 3:
            items.append(try number("maxFeePerBlobGas"))
            items.append(.list(try elements("blobVersionedHashes").map(Self.word)))
        case 4: items.append(.list(try elements("authorizationList").map(Self.authorization)))
        default: throw .malformed("its type is \(type)")
        }
        return items
    }

    private static func word(_ value: JSONValue) throws(TransactionError) -> RLP {
        guard let text = value.string, let word = try? Bytes32(hex: text) else {
            throw .malformed("a hash is malformed")
        }
        return .string(word.bytes)
    }

    private static func fields(_ value: JSONValue) throws(TransactionError) -> TransactionFields {
        guard let object = value.object else { throw .malformed("a list holds something other than objects") }
        return TransactionFields(object: object)
    }

    /// An entry of an access list (EIP-2930): [address, [slot, …]].
    private static func access(_ value: JSONValue) throws(TransactionError) -> RLP {
        let entry = try fields(value)
        return .list([try entry.bytes("address"), .list(try entry.elements("storageKeys").map(word))])
    }

    /// An authorization (EIP-7702): [chain id, address, nonce, parity, r, s].
    private static func authorization(_ value: JSONValue) throws(TransactionError) -> RLP {
        let entry = try fields(value)
        return .list([
            try entry.number("chainId"), try entry.bytes("address"), try entry.number("nonce"),
            try entry.number(entry.object["yParity"] == nil ? "v" : "yParity"), try entry.number("r"),
            try entry.number("s"),
        ])
    }
}
