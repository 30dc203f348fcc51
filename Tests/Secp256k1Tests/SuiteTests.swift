import JSON
import Primitives
import Secp256k1
import SecretMemory
import TestVectors
import Testing

@Suite struct SuiteTests {
    static func ecdh() throws -> [JSONObject] { try TestVectors.suite("ecdh-wycheproof.json") }
    static func ecdsa() throws -> [JSONObject] { try TestVectors.suite("ecdsa-wycheproof.json") }

    @Test(arguments: try ecdh().filter(\.isValid))
    func sharedPointsAreThoseOfWycheproof(_ vector: JSONObject) throws {
        let secret = try vector.bytes("secret_key")
        let key = try SecretKey(SecretBytes(copying: secret))
        let other = try PublicKey(vector.bytes("point"))
        for compressed in [true, false] {
            let point = key.sharedPoint(with: other, compressed: compressed).withBytes { span in
                span.indices.map { span[$0] }
            }
            #expect(try Array(point[1...32]) == vector.bytes("shared"))
        }
    }

    @Test(arguments: try ecdh().filter { !$0.isValid })
    func pointsThatAreNoneAreRefused(_ vector: JSONObject) throws {
        #expect(throws: Secp256k1Error.self) { try PublicKey(vector.bytes("point")) }
    }

    /// The signers that r and s name, with either recovery byte; none where the signature is refused.
    static func signers(_ vector: JSONObject) throws -> [(PublicKey, isLowS: Bool)] {
        let (signature, prehash) = (try vector.bytes("sig"), try Bytes32(vector.bytes("prehash")))
        return ([0, 1] as [UInt8]).compactMap { recoveryByte in
            guard let signature = try? RecoverableSignature(signature + [recoveryByte]),
                let key = try? signature.recover(prehash: prehash)
            else { return nil }
            return (key, signature.isLowS)
        }
    }

    @Test(arguments: try ecdsa().filter(\.isValid))
    func soundSignaturesRecoverTheirSigner(_ vector: JSONObject) throws {
        let key = try PublicKey(vector.bytes("public_key"))
        let signers = try Self.signers(vector)
        // A nonce point's x of n or more needs the recovery bytes 2 and 3, which no signer makes and we refuse.
        let expected = vector["x_is_reduced"] == .bool(true) ? 0 : 1
        #expect(signers.count { $0.0 == key } == expected)
        #expect(signers.allSatisfy { .bool($0.isLowS) == vector["low_s"] })
    }

    @Test(arguments: try ecdsa().filter { !$0.isValid })
    func noOtherSignatureRecoversTheSigner(_ vector: JSONObject) throws {
        let key = try PublicKey(vector.bytes("public_key"))
        #expect(try !Self.signers(vector).contains { $0.0 == key })
        if try vector.bytes("sig").count != 64 { #expect(try Self.signers(vector).isEmpty) }
    }

    @Test func theSuitesHoldTheCasesThatTheyAreKnownFor() throws {
        #expect(try Self.ecdh().contains { !$0.isValid })
        #expect(try Self.ecdsa().contains { $0["low_s"] == .bool(false) })
        #expect(try Self.ecdsa().contains { $0["x_is_reduced"] == .bool(true) })
        for flag in ["RangeCheck", "SignatureSize", "PointDuplication", "SmallRandS", "InvalidSignature"] {
            #expect(try Self.ecdsa().contains { try $0.array("flags").contains(.string(flag)) }, "\(flag)")
        }
    }
}
