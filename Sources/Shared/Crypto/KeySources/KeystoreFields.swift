import Ciphers
import JSON
import Primitives

/// What a keystore file says, of the right lengths and within limits.
struct KeystoreFields: Sendable {
    let derivation: PasswordDerivation
    let salt: [UInt8]
    let counter: [UInt8]
    let ciphertext: [UInt8]
    let mac: Bytes32
    /// Whose key it is, where the file says so.
    let address: Address?

    /// Derived bytes: 16 for the cipher, 16 for the MAC.
    static let derivedByteCount = 32

    init(_ json: JSONObject) throws(KeystoreError) {
        guard json["version"] == .number("3") else {
            throw .unsupported(member: "version", value: json["version"]?.compact ?? "none")
        }
        let file: KeystoreFile
        do throws(JSONError) { file = try KeystoreFile(json) } catch { throw .malformed(error) }
        guard file.cipher == "aes-128-ctr" else { throw .unsupported(member: "cipher", value: file.cipher) }
        guard file.derivedByteCount == Self.derivedByteCount else {
            throw .unsupported(member: "dklen", value: String(file.derivedByteCount))
        }
        derivation = try Self.derivation(file)
        salt = file.salt
        counter = file.counter
        ciphertext = file.ciphertext
        mac = file.mac
        address = file.address
    }

    /// The most rounds of PBKDF2 that are waited for; geth's standard has 262,144.
    private static let roundLimit = 1 << 26
    /// The most blocks that scrypt may mix one after the other; geth's standard has 1, the published keystore 8.
    private static let parallelismLimit = 64

    private static func derivation(_ file: KeystoreFile) throws(KeystoreError) -> PasswordDerivation {
        switch file.parameters {
        case .scrypt(let n, let r, let p):
            guard p <= parallelismLimit, let scrypt = Scrypt(n: n, r: r, p: p) else {
                throw .unusable(member: "kdfparams", reason: "scrypt with n \(n), r \(r), p \(p) is out of bounds")
            }
            return .scrypt(scrypt)
        case .pbkdf2(let rounds, let function):
            guard function == "hmac-sha256" else { throw .unsupported(member: "prf", value: function) }
            guard rounds > 0, rounds <= roundLimit else {
                throw .unusable(member: "kdfparams", reason: "\(rounds) rounds are out of bounds")
            }
            return .pbkdf2SHA256(rounds: Int32(rounds))
        case .other(let name): throw .unsupported(member: "kdf", value: name)
        }
    }
}

/// A keystore file's members, of the right types.
private struct KeystoreFile {
    enum Parameters {
        case scrypt(n: Int, r: Int, p: Int)
        case pbkdf2(rounds: Int, function: String)
        case other(String)
    }

    let cipher: String
    let counter: [UInt8]
    let ciphertext: [UInt8]
    let mac: Bytes32
    let salt: [UInt8]
    let derivedByteCount: Int
    let parameters: Parameters
    let address: Address?

    init(_ json: JSONObject) throws(JSONError) {
        address = try json.optionalParsed("address", as: "an address") { text throws(PrimitiveError) in
            try Address(hex: text, prefix: .optional)
        }
        // geth's first keystores wrote it with a capital.
        let crypto = try json.object(json["Crypto"] == nil ? "crypto" : "Crypto")
        cipher = try crypto.string("cipher")
        counter = try crypto.object("cipherparams").parsed("iv", as: "16 bytes of hex") { text throws(PrimitiveError) in
            let bytes = try Hex.decode(text, prefix: .optional)
            guard bytes.count == AES128CTR.keyByteCount else {
                throw .wrongLength(expected: AES128CTR.keyByteCount, actual: bytes.count)
            }
            return bytes
        }
        ciphertext = try crypto.parsed("ciphertext", as: "hex", Self.bytes)
        mac = try crypto.parsed("mac", as: "32 bytes of hex") { text throws(PrimitiveError) in
            try Bytes32(hex: text, prefix: .optional)
        }
        let settings = try crypto.object("kdfparams")
        salt = try settings.parsed("salt", as: "hex", Self.bytes)
        derivedByteCount = try Self.number("dklen", of: settings)
        switch try crypto.string("kdf") {
        case "scrypt":
            parameters = .scrypt(
                n: try Self.number("n", of: settings), r: try Self.number("r", of: settings),
                p: try Self.number("p", of: settings))
        case "pbkdf2":
            parameters = .pbkdf2(rounds: try Self.number("c", of: settings), function: try settings.string("prf"))
        case let other: parameters = .other(other)
        }
    }

    private static func bytes(_ text: String) throws(PrimitiveError) -> [UInt8] {
        try Hex.decode(text, prefix: .optional)
    }

    private static func number(_ name: String, of json: JSONObject) throws(JSONError) -> Int {
        guard case .number(let digits) = try json.required(name), let number = Int(digits) else {
            throw json.illTyped(name, expected: "a whole number")
        }
        return number
    }
}
