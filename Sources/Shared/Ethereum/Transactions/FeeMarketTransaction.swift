package import Failures
package import Primitives
package import Secp256k1

/// A transaction of type 2 (EIP-1559), not yet signed.
package struct FeeMarketTransaction: Equatable, Sendable {
    /// The chain on which alone it is valid.
    package var chainId: UInt64
    /// How many transactions the sender sent before.
    package var nonce: UInt64
    /// The tip for each unit of gas, in wei.
    package var maxPriorityFeePerGas: UInt256
    /// The most that a unit of gas may cost, tip included, in wei.
    package var maxFeePerGas: UInt256
    /// The most gas that it may use.
    package var gasLimit: UInt64
    /// The account called; nil creates a contract.
    package var to: Address?
    /// What is sent along, in wei.
    package var value: UInt256
    /// The call's data, or the new contract's init code.
    package var data: [UInt8]
    /// The storage that is paid for in advance.
    package var accessList: [AccessListEntry]

    package init(
        chainId: UInt64, nonce: UInt64, maxPriorityFeePerGas: UInt256, maxFeePerGas: UInt256, gasLimit: UInt64,
        to: Address?, value: UInt256, data: [UInt8], accessList: [AccessListEntry] = []
    ) {
        self.chainId = chainId
        self.nonce = nonce
        self.maxPriorityFeePerGas = maxPriorityFeePerGas
        self.maxFeePerGas = maxFeePerGas
        self.gasLimit = gasLimit
        self.to = to
        self.value = value
        self.data = data
        self.accessList = accessList
    }

    /// The first byte of every transaction of this type (EIP-2718).
    static let type: UInt8 = 0x02

    var fields: [RLP] {
        [
            .string(UInt256(chainId).minimalBytes), .string(UInt256(nonce).minimalBytes),
            .string(maxPriorityFeePerGas.minimalBytes), .string(maxFeePerGas.minimalBytes),
            .string(UInt256(gasLimit).minimalBytes), .string(to?.bytes ?? []), .string(value.minimalBytes),
            .string(data), .list(accessList.map(\.rlp)),
        ]
    }

    /// The bytes that are hashed and signed: 0x02 || RLP of the nine fields.
    package var unsigned: [UInt8] { [Self.type] + RLP.list(fields).encoded }

    /// What is signed: Keccak-256 of ``unsigned``.
    package var prehash: Bytes32 { Keccak256.hash(unsigned) }

    /// The transaction with the key's signature.
    package func signed(by key: borrowing SecretKey) -> SignedTransaction {
        SignedTransaction(transaction: self, signature: key.sign(prehash: prehash), sender: key.address)
    }
}

/// A transaction as it goes to a node: what was signed, the signature, and who signed.
package struct SignedTransaction: Equatable, Sendable {
    /// What was signed.
    package let transaction: FeeMarketTransaction
    /// The signature over its prehash.
    package let signature: RecoverableSignature
    /// The account that signed.
    package let sender: Address
    /// The bytes that a node takes: 0x02 || RLP of the fields, yParity, r and s.
    package let raw: [UInt8]
    /// The hash under which a node knows it.
    package let hash: Bytes32

    /// The contract that it creates, if it creates one: the last 20 bytes of Keccak-256 of RLP [sender, nonce].
    package var createdContract: Address? {
        guard transaction.to == nil else { return nil }
        let creation = RLP.list([.string(sender.bytes), .string(UInt256(transaction.nonce).minimalBytes)])
        return Address(checked: Array(Keccak256.hash(creation.encoded).bytes.suffix(20)))
    }

    init(transaction: FeeMarketTransaction, signature: RecoverableSignature, sender: Address) {
        self.transaction = transaction
        self.signature = signature
        self.sender = sender
        let signatureFields = [
            RLP.string(signature.yParity == 0 ? [] : [1]), .string(UInt256(signature.r).minimalBytes),
            .string(UInt256(signature.s).minimalBytes),
        ]
        raw = [FeeMarketTransaction.type] + RLP.list(transaction.fields + signatureFields).encoded
        hash = Keccak256.hash(raw)
    }

    /// Reads a transaction back from its bytes and recovers who signed it.
    ///
    /// - Throws: ``TransactionError`` for another type, any form but the canonical one, or a signature that is invalid or
    ///   has a high s.
    package init(raw bytes: [UInt8]) throws(TransactionError) {
        guard bytes.first == FeeMarketTransaction.type else { throw .notType2 }
        let transaction: FeeMarketTransaction
        let signatureBytes: [UInt8]
        do throws(RLPError) {
            (transaction, signatureBytes) = try Self.parts(of: RLP(decoding: bytes.dropFirst()).list(count: 12))
        } catch {
            throw .malformed(error.description)
        }
        do throws(Secp256k1Error) {
            let signature = try RecoverableSignature(signatureBytes)
            guard signature.isLowS else { throw .highS }
            let signer = try signature.recover(prehash: transaction.prehash)
            self.init(transaction: transaction, signature: signature, sender: signer.address)
        } catch {
            throw .invalidSignature(error.description)
        }
    }

    private static func parts(of fields: [RLP]) throws(RLPError) -> (FeeMarketTransaction, signature: [UInt8]) {
        let to = try fields[5].string()
        guard to.isEmpty || to.count == Address.byteCount else { throw .wrongShape(expected: "an address") }
        let transaction = FeeMarketTransaction(
            chainId: try smallNumber(fields[0]), nonce: try smallNumber(fields[1]),
            maxPriorityFeePerGas: try number(fields[2]), maxFeePerGas: try number(fields[3]),
            gasLimit: try smallNumber(fields[4]), to: to.isEmpty ? nil : Address(checked: to),
            value: try number(fields[6]), data: try fields[7].string(),
            accessList: try fields[8].list().map { entry throws(RLPError) in try AccessListEntry(entry) })
        let yParity = try smallNumber(fields[9])
        guard yParity <= 1 else { throw .wrongShape(expected: "a parity, 0 or 1") }
        let signature = try number(fields[10]).word.bytes + number(fields[11]).word.bytes + [UInt8(yParity)]
        return (transaction, signature)
    }

    private static func number(_ item: RLP) throws(RLPError) -> UInt256 {
        let bytes = try item.string()
        guard bytes.first != 0 else { throw .notCanonical }
        guard let number = UInt256(bigEndian: bytes.span) else {
            throw .wrongShape(expected: "a number of at most 256 bits")
        }
        return number
    }

    private static func smallNumber(_ item: RLP) throws(RLPError) -> UInt64 {
        guard let number = try number(item).uint64 else { throw .wrongShape(expected: "a number of at most 64 bits") }
        return number
    }
}

/// Why bytes are not a signed transaction of type 2.
package enum TransactionError: UserFacingError, Equatable {
    /// The first byte is not 0x02.
    case notType2
    /// The payload is not canonical RLP of the right shape.
    case malformed(String)
    /// The signature is invalid or malleable.
    case invalidSignature(String)

    package var kind: ErrorCategory { .badInput }

    package var description: String {
        switch self {
        case .notType2: "not an EIP-1559 transaction (type 2)"
        case .malformed(let reason): "not a transaction: \(reason)"
        case .invalidSignature(let reason): "the transaction's signature is invalid: \(reason)"
        }
    }
}
