import JSON
import Primitives
import Secp256k1
import SecretMemory
import TestVectors
import Testing
import Transactions

@Suite struct FeeMarketTransactionTests {
    static func vectors() throws -> [JSONObject] { try TestVectors.load("eip1559.json", member: "vectors") }

    static func transaction(_ json: JSONObject) throws -> FeeMarketTransaction {
        FeeMarketTransaction(
            chainId: try UInt64(quantity: json.string("chainId")), nonce: try UInt64(quantity: json.string("nonce")),
            maxPriorityFeePerGas: try UInt256(quantity: json.string("maxPriorityFeePerGas")),
            maxFeePerGas: try UInt256(quantity: json.string("maxFeePerGas")),
            gasLimit: try UInt64(quantity: json.string("gas")), to: try json.optionalString("to").map(Address.init),
            value: try UInt256(quantity: json.string("value")), data: try json.bytes("data"))
    }

    @Test func signedBytesAreThoseOfEthAccount() throws {
        for vector in try Self.vectors() {
            let transaction = try Self.transaction(vector.object("transaction"))
            #expect(try transaction.prehash.hex == vector.string("prehash"))
            let secret = try vector.bytes("secret_key")
            let key = try SecretKey(SecretBytes(copying: secret))
            let signed = transaction.signed(by: key)
            #expect(try signed.raw == vector.bytes("raw"))
            #expect(try signed.hash.hex == vector.string("hash"))
            #expect(try signed.sender.checksummed == vector.string("sender"))
        }
    }

    @Test func signedBytesAreReadBack() throws {
        for vector in try Self.vectors() {
            let signed = try SignedTransaction(raw: vector.bytes("raw"))
            #expect(try signed.transaction == Self.transaction(vector.object("transaction")))
            #expect(try signed.sender.checksummed == vector.string("sender"))
            #expect(try signed.hash.hex == vector.string("hash"))
        }
    }

    @Test func truncationsAndOtherTypesAreRefused() throws {
        let raw = try #require(Self.vectors().first).bytes("raw")
        for count in 0..<raw.count {
            #expect(throws: TransactionError.self) { try SignedTransaction(raw: Array(raw.prefix(count))) }
        }
        #expect(throws: TransactionError.notType2) { try SignedTransaction(raw: [0x01] + raw.dropFirst()) }
        #expect(throws: TransactionError.self) { try SignedTransaction(raw: raw + [0]) }
    }

    @Test func aFlippedBitIsRefusedOrHasAnotherSender() throws {
        let vector = try #require(Self.vectors().first)
        let raw = try vector.bytes("raw")
        let sender = try vector.string("sender")
        for index in raw.indices {
            var changed = raw
            changed[index] ^= 1
            let signed = try? SignedTransaction(raw: changed)
            #expect(signed?.sender.checksummed != sender)
        }
    }
}
