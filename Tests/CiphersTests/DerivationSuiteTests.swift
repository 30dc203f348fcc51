import JSON
import SecretMemory
import TestVectors
import Testing

@testable import Ciphers

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

    @Test func openSSLDerivesWhatTheRFCAllows() throws {
        #expect(try #require(Scrypt(n: 1 << 15, r: 1, p: 8)).isStandard)
        #expect(try #require(Scrypt(n: 1 << 18, r: 8, p: 1)).isStandard)
        #expect(try !#require(Scrypt(n: 1 << 16, r: 1, p: 1)).isStandard)
        #expect(try !#require(Scrypt(n: 1 << 18, r: 1, p: 8)).isStandard)
    }

    @Test(
        "what derives the keys that OpenSSL refuses derives the same as OpenSSL otherwise",
        arguments: [(2, 1, 1), (2, 1, 64), (4, 3, 2), (16, 5, 3), (256, 8, 2), (1 << 15, 1, 1), (2, 64, 2)],
        [0, 1, 65])
    func bothWays(_ parameters: (n: Int, r: Int, p: Int), length: Int) throws {
        let scrypt = try #require(Scrypt(n: parameters.n, r: parameters.r, p: parameters.p))
        let (password, salt) = ([UInt8](repeating: 0x70, count: length), [UInt8](repeating: 0, count: length))
        let keys = unsafe [scrypt.derive, scrypt.deriveAnyway].map { derive in
            var key = [UInt8](repeating: 0, count: 33)
            let isDone = unsafe key.withUnsafeMutableBufferPointer { key in
                unsafe password.withUnsafeBufferPointer { password in
                    unsafe salt.withUnsafeBufferPointer { unsafe derive(password, $0, key) }
                }
            }
            #expect(isDone)
            return key
        }
        #expect(keys[0] == keys[1])
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
