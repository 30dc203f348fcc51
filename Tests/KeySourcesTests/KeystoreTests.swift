import JSON
import KeySources
import Primitives
import Secp256k1
import SecretMemory
import TestVectors
import Testing

@Suite struct KeystoreTests {
    static func vectors() throws -> [JSONObject] { try TestVectors.load("keystore.json", member: "vectors") }

    /// The cheapest of the vectors that name their address.
    static func cheap() throws -> (keystore: JSONObject, password: String) {
        let vector = try #require(vectors().first { $0["password"] == .string("x") })
        return (try vector.object("keystore"), try vector.string("password"))
    }

    static func address(_ keystore: JSONObject, _ password: String) throws -> Address {
        let password = SecretBytes(copying: Array(password.utf8))
        return try Keystore(json: keystore).key(password: password).address
    }

    /// The object with a member, found anywhere in it, changed.
    static func changing(_ object: JSONObject, _ name: String, to value: JSONValue?) -> JSONObject {
        JSONObject(
            members: object.members.compactMap { member in
                if member.name == name { return value.map { (name, $0) } }
                guard case .object(let inner) = member.value else { return member }
                return (member.name, .object(changing(inner, name, to: value)))
            })
    }

    static func flipped(_ object: JSONObject, _ name: String) -> JSONValue? {
        for member in object.members {
            if member.name == name, let text = member.value.string {
                return .string((text.hasPrefix("0") ? "1" : "0") + text.dropFirst())
            }
            if case .object(let inner) = member.value, let value = flipped(inner, name) { return value }
        }
        return nil
    }

    @Test func keystoresOfOtherWalletsOpen() throws {
        let vectors = try Self.vectors()
        #expect(vectors.count >= 5)
        for vector in vectors {
            let secret = try vector.bytes("secret_key")
            let expected = try SecretKey(SecretBytes(copying: secret)).address
            #expect(try Self.address(vector.object("keystore"), vector.string("password")) == expected)
        }
    }

    @Test(arguments: ["", "X", "x ", "testpassword"])
    func aWrongPasswordIsSaidToBeOne(_ password: String) throws {
        let keystore = try Self.cheap().keystore
        #expect(throws: KeystoreError.wrongPassword) { try Self.address(keystore, password) }
    }

    @Test(
        "damage is told apart from a wrong password where the address allows it",
        arguments: [
            ("mac", KeystoreError.damaged), ("ciphertext", .wrongPassword), ("salt", .wrongPassword),
            ("iv", .foreignKey),
            ("address", .foreignKey),
        ])
    func damage(_ member: String, _ error: KeystoreError) throws {
        let (keystore, password) = try Self.cheap()
        let damaged = Self.changing(keystore, member, to: Self.flipped(keystore, member))
        #expect(throws: error) { try Self.address(damaged, password) }
    }

    @Test(arguments: ["crypto", "cipher", "iv", "ciphertext", "kdf", "salt", "dklen", "c", "prf", "mac", "version"])
    func aMissingMemberIsRefused(_ member: String) throws {
        let (keystore, password) = try Self.cheap()
        #expect(throws: KeystoreError.self) {
            try Self.address(Self.changing(keystore, member, to: nil), password)
        }
    }

    @Test(
        "what costs too much or is not known is refused before any work",
        arguments: [
            ("version", JSONValue.number("1")), ("cipher", .string("aes-256-cbc")), ("kdf", .string("argon2")),
            ("prf", .string("hmac-sha512")), ("c", .number("0")), ("c", .number("99999999999")), ("c", .number("-1")),
            ("c", .number("1e3")), ("dklen", .number("64")), ("iv", .string("00")), ("ciphertext", .string("zz")),
        ])
    func bounds(_ member: String, _ value: JSONValue) throws {
        let (keystore, password) = try Self.cheap()
        #expect(throws: KeystoreError.self) {
            try Self.address(Self.changing(keystore, member, to: value), password)
        }
    }

    /// 2^21 with an r of 8 needs two gibibytes.
    @Test(arguments: [
        ("n", "3"), ("n", "0"), ("n", "-2"), ("n", "1073741824"), ("n", "2097152"), ("r", "1073741824"), ("r", "0"),
        ("p", "0"), ("p", "65"), ("p", "9223372036854775807"),
    ])
    func scryptHasBounds(_ member: String, _ number: String) throws {
        let vector = try #require(Self.vectors().first { $0["password"] == .string("") })
        let keystore = try vector.object("keystore")
        let error = #expect(throws: KeystoreError.self) {
            try Keystore(json: Self.changing(keystore, member, to: .number(number)))
        }
        guard case .unusable(member: "kdfparams", _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func aShortOrLongTextIsNoKey() throws {
        let (keystore, password) = try Self.cheap()
        for text in ["", "00", String(repeating: "00", count: 33)] {
            #expect(throws: KeystoreError.wrongPassword) {
                try Self.address(Self.changing(keystore, "ciphertext", to: .string(text)), password)
            }
        }
    }
}
