import JSON
import Primitives
import Secp256k1
import SecretMemory
import TestVectors
import Testing
import Transactions

/// EIP-2718: the first byte says of which type a transaction is. Only type 2 (EIP-1559) is signed here, and read.
@Suite struct TypedTransactionTests {
    @Test(arguments: try TestVectors.suite("typed-transactions.json"))
    func onlyType2IsRead(_ vector: JSONObject) throws {
        let raw = try vector.bytes("raw")
        guard raw.first == 2 else {
            #expect(throws: TransactionError.notType2) { try SignedTransaction(raw: raw) }
            return
        }
        let signed = try SignedTransaction(raw: raw)
        #expect(signed.raw == raw)
        #expect(try signed.transaction.accessList.count == RLP(decoding: raw.dropFirst()).list()[8].list().count)
    }

    @Test(arguments: UInt8.min...UInt8.max)
    func everyOtherTypeIsRefused(_ type: UInt8) throws {
        let vectors = try TestVectors.suite("typed-transactions.json").map { try $0.bytes("raw") }
        let rest = try #require(vectors.first { $0.first == 2 }).dropFirst()
        guard type != 2 else { return }
        #expect(throws: TransactionError.notType2) { try SignedTransaction(raw: [type] + rest) }
    }

    /// EIP-2: n - s, with the other parity, signs the same for the same sender, and only the lower s is accepted.
    @Test func theTwinOfASignatureIsRefused() throws {
        let order = try Hex.decode("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
        for vector in try TestVectors.load("eip1559.json", member: "vectors") {
            var fields = try RLP(decoding: vector.bytes("raw").dropFirst()).list(count: 12)
            let s = try fields[11].string()
            var (twin, borrow) = (order, 0)
            for (index, byte) in ([UInt8](repeating: 0, count: 32 - s.count) + s).enumerated().reversed() {
                let difference = Int(order[index]) - Int(byte) - borrow
                borrow = difference < 0 ? 1 : 0
                twin[index] = UInt8(truncatingIfNeeded: difference)
            }
            fields[9] = fields[9] == .string([]) ? .string([1]) : .string([])
            fields[11] = .string(twin)
            let raw = [2] + RLP.list(fields).encoded
            #expect(throws: TransactionError.invalidSignature(Secp256k1Error.highS.description)) {
                try SignedTransaction(raw: raw)
            }
        }
    }

    /// EIP-155's transaction is of the old kind, which is not made here: its parts are, and the whole is refused.
    @Test(arguments: try TestVectors.suite("eip155.json"))
    func theExampleOfEIP155IsSignedAlike(_ vector: JSONObject) throws {
        let secret = try vector.bytes("secret_key")
        let fields = try RLP(decoding: vector.bytes("signing_data")).list(count: 9)
        let prehash = try Keccak256.hash(vector.bytes("signing_data"))
        #expect(try prehash.hex == vector.string("signing_hash"))
        let signature = try SecretKey(SecretBytes(copying: secret)).sign(prehash: prehash)
        let numbers: [RLP] = [
            .string([37 + signature.yParity]), .string(signature.r.bytes), .string(signature.s.bytes),
        ]
        let signed = RLP.list(fields.prefix(6) + numbers).encoded
        #expect(try signed == vector.bytes("signed"))
        #expect(throws: TransactionError.notType2) { try SignedTransaction(raw: signed) }
    }
}
