import Ciphers
import JSON
import SecretMemory
import TestVectors
import Testing

@Suite struct DerivationSuiteTests {
    static func hkdfVectors() throws -> [JSONObject] {
        try TestVectors.suite("hkdf-rfc5869.json") + TestVectors.suite("hkdf-wycheproof.json")
    }

    static func hkdf(_ vector: JSONObject) throws -> [UInt8] {
        let key = try vector.bytes("ikm")
        return try HKDF.derive(
            from: SecretBytes(copying: key), salt: vector.bytes("salt"), info: vector.bytes("info"),
            count: vector.integer("size")
        ).copy()
    }

    @Test(arguments: try hkdfVectors().filter(\.isValid))
    func keysAreThoseOfHKDF(_ vector: JSONObject) throws {
        #expect(try Self.hkdf(vector) == vector.bytes("okm"))
    }

    @Test(arguments: try hkdfVectors().filter { !$0.isValid })
    func moreThan8160BytesAreRefused(_ vector: JSONObject) throws {
        #expect(try vector.integer("size") > 8160)
        #expect(throws: CipherError.self) { try Self.hkdf(vector) }
    }

    static func scrypt(_ vector: JSONObject, password: [UInt8], salt: [UInt8]) throws -> [UInt8] {
        let scrypt = try #require(Scrypt(n: vector.integer("n"), r: vector.integer("r"), p: vector.integer("p")))
        let count = try vector.bytes("key").count
        return try PasswordDerivation.scrypt(scrypt).derive(
            from: SecretBytes(copying: password), salt: salt, count: count
        ).copy()
    }

    /// All of RFC 7914's vectors but the last, which takes 1 GiB.
    @Test(arguments: try TestVectors.suite("scrypt-rfc7914.json").dropLast())
    func keysAreThoseOfRFC7914(_ vector: JSONObject) throws {
        let (password, salt) = (try vector.string("password"), try vector.string("salt"))
        #expect(try Self.scrypt(vector, password: Array(password.utf8), salt: Array(salt.utf8)) == vector.bytes("key"))
    }

    @Test(arguments: try TestVectors.load("scrypt.json", member: "vectors"))
    func keysAreThoseOfOtherImplementations(_ vector: JSONObject) throws {
        let key = try Self.scrypt(vector, password: vector.bytes("password"), salt: vector.bytes("salt"))
        #expect(try key == vector.bytes("key"))
    }

    @Test(arguments: [
        (0, 8, 1), (1, 8, 1), (3, 8, 1), (-2, 8, 1), (1024, 0, 1), (1024, -1, 1), (1024, 8, 0), (1024, 8, -1),
        (1 << 24, 1, 1), (1 << 20, 9, 1), (2, 1 << 23, 1), (2, 1, 1 << 24), (.max, 1, 1), (2, .max, 1), (2, 1, .max),
        (.min, .min, .min),
    ])
    func otherParametersAreRefused(_ n: Int, _ r: Int, _ p: Int) { #expect(Scrypt(n: n, r: r, p: p) == nil) }

    @Test(arguments: try TestVectors.suite("ctr-rfc3686.json"))
    func textsAreThoseOfRFC3686(_ vector: JSONObject) throws {
        let (key, counter, ciphertext) = (
            try vector.bytes("key"), try vector.bytes("iv"), try vector.bytes("ciphertext")
        )
        let text = try AES128CTR.decrypt(ciphertext.span, key: SecretBytes(copying: key), counter: counter)
        #expect(try text.copy() == vector.bytes("plaintext"))
    }
}
