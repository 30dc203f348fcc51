import Primitives
import Secp256k1
import SecretMemory
import Testing

func secretKey(_ hex: String) throws -> SecretKey {
    try SecretKey(SecretBytes(hexDigitsOf: SecretBytes(copying: Array(hex.utf8))))
}

@Suite struct Secp256k1Tests {
    /// Keys of the eciespy and eciesjs suites.
    @Test(arguments: [
        (
            "5b5b1a0ff51e4350badd6f58d9e6fa6f57fbdbde6079d12901770dda3b803081",
            "048e41409f2e109f2d704f0afd15d1ab53935fd443729913a7e8536b4cef8cf5773d4db7bbd99e9ed64595e24a251c9836f35d4c9842132443c17f6d501b3410d2"
        ),
        (
            "0000000000000000000000000000000000000000000000000000000000000002",
            "04c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee51ae168fea63dc339a3c58419466ceaeef7f632653266d0e1236431a950cfe52a"
        ),
    ])
    func publicKeysBelongToTheirSecret(_ secret: String, _ uncompressed: String) throws {
        let key = try secretKey(secret).publicKey
        #expect(Hex.encode(key.uncompressed, prefixed: false) == uncompressed)
        #expect(try PublicKey(key.uncompressed) == key)
        #expect(try PublicKey(key.compressed) == key)
        #expect(try PublicKey(key.uncompressed.dropFirst()) == key)
    }

    @Test func addressesAreThoseOfEthKeys() throws {
        let key = try secretKey("95d3c5e483e9b1d4f5fc8e79b2deaf51362980de62dbb082a9a4257eef653d7d")
        #expect(key.address.checksummed == "0x47e801184B3a8ea8E6A4A7A4CFEfEcC76809Da72")
        let known = try PublicKey(Hex.decode("0x02d9ed78008e7b6c4bdc2beea13230fb3ccb8072728c0986894a3d544485e9b727"))
        #expect(known.address.checksummed == "0x7aD23D6eD9a1D98E240988BED0d78e8C81Ec296C")
    }

    @Test(arguments: [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364142", "00", "",
    ])
    func secretsOutOfRangeAreRefused(_ hex: String) {
        #expect(throws: Secp256k1Error.invalidSecretKey) { _ = try secretKey(hex).publicKey }
    }

    @Test(
        "what is no point is no public key",
        arguments: [
            (
                "04307bac038efaa5bf8a0ac8db53fd4de8024a0c0baf37283a9e6671589eba18edc12b3915ff0df66e6ffad862440228a65ead99e3320e50aa90008961e3d68acc",
                Secp256k1Error.invalidPublicKey
            ),
            ("05c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5", .invalidPublicKey),
            (
                "06c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee51ae168fea63dc339a3c58419466ceaeef7f632653266d0e1236431a950cfe52a",
                .invalidPublicKey
            ),
            ("02ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", .invalidPublicKey),
            ("c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5", .wrongPublicKeyLength(actual: 32)),
            ("", .wrongPublicKeyLength(actual: 0)),
        ])
    func pointsAreChecked(_ hex: String, _ error: Secp256k1Error) {
        #expect(throws: error) { try PublicKey(Hex.decode(hex, prefix: .none)) }
    }

    @Test(arguments: ["00", "01", "02", "ff00"])
    func aSignatureRecoversItsSigner(_ seed: String) throws {
        let key = try secretKey("95d3c5e483e9b1d4f5fc8e79b2deaf51362980de62dbb082a9a4257eef653d7d")
        let prehash = try Keccak256.hash(Hex.decode(seed, prefix: .none))
        let signature = key.sign(prehash: prehash)
        #expect(signature.isLowS)
        #expect(try signature.recover(prehash: prehash) == key.publicKey)
        #expect(try RecoverableSignature(signature.walletBytes) == signature)
        #expect(try RecoverableSignature(signature.bytes) == signature)
        #expect(try signature.recover(prehash: .zero) != key.publicKey)
    }

    @Test func sharedPointsAreTheSameOnBothSides() throws {
        let two = try secretKey("0000000000000000000000000000000000000000000000000000000000000002")
        let three = try secretKey("0000000000000000000000000000000000000000000000000000000000000003")
        let point = three.sharedPoint(with: two.publicKey, compressed: true).withBytes { span in
            span.indices.map { span[$0] }
        }
        #expect(point.hex == "0x03fff97bd5755eeea420453a14355235d382f6472f8568a18b2f057a1460297556")
    }

    @Test(arguments: [
        (0, Secp256k1Error.wrongSignatureLength(actual: 0)), (64, .wrongSignatureLength(actual: 64)),
        (66, .wrongSignatureLength(actual: 66)), (65, .invalidSignature),
    ])
    func malformedSignaturesAreRefused(_ count: Int, _ error: Secp256k1Error) {
        #expect(throws: error) { try RecoverableSignature([UInt8](repeating: 0, count: count)) }
    }

    @Test(arguments: [2, 3, 26, 29, 255] as [UInt8])
    func otherRecoveryBytesAreRefused(_ v: UInt8) {
        #expect(throws: Secp256k1Error.invalidRecoveryByte(v)) {
            try RecoverableSignature([UInt8](repeating: 1, count: 64) + [v])
        }
    }
}
