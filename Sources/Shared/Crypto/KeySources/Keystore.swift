import Ciphers
package import JSON
import Primitives
package import Secp256k1
package import SecretMemory

/// A key under a password: Web3 Secret Storage, version 3, as wallets and geth write it.
///
///     {"version":3,"address":"…","crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"…"},"ciphertext":"…",
///      "kdf":"scrypt","kdfparams":{"n":…,"r":…,"p":…,"dklen":32,"salt":"…"},"mac":"…"}}
///
/// The first 16 derived bytes are the cipher's key; Keccak-256 of the other 16 and the ciphertext is the MAC.
package struct Keystore: Sendable {
    private let fields: KeystoreFields

    /// - Throws: ``KeystoreError`` for anything but a keystore of version 3, or for one with excessive costs.
    package init(json: JSONObject) throws(KeystoreError) { fields = try KeystoreFields(json) }

    /// The key.
    ///
    /// - Throws: ``KeystoreError/wrongPassword`` where the MAC does not fit; ``KeystoreError/damaged`` where it does
    ///   not although the password is the right one; ``KeystoreError/foreignKey``.
    package func key(password: borrowing SecretBytes) throws(KeystoreError) -> SecretKey {
        let derived = try derivedBytes(password)
        let isAuthentic = mac(derived) == fields.mac
        let key = try decrypt(derived, orElse: isAuthentic ? .foreignKey : .wrongPassword)
        // A wrong password gives a random key, which is never that of the address.
        let isOfAddress = key.address == fields.address
        guard isAuthentic else { throw isOfAddress ? .damaged : .wrongPassword }
        guard isOfAddress || fields.address == nil else { throw .foreignKey }
        return key
    }

    private func derivedBytes(_ password: borrowing SecretBytes) throws(KeystoreError) -> SecretBytes {
        do throws(CipherError) {
            return try fields.derivation.derive(
                from: password, salt: fields.salt, count: KeystoreFields.derivedByteCount)
        } catch {
            throw .libraryFailed(error.description)
        }
    }

    /// Keccak-256 of the second half of the derived bytes and the ciphertext.
    private func mac(_ derived: borrowing SecretBytes) -> Bytes32 {
        var half = derived.withBytes { bytes in (16..<32).map { bytes[$0] } }
        defer { wipe(&half) }
        var hasher = Keccak256()
        hasher.update(half)
        hasher.update(fields.ciphertext)
        return hasher.finalize()
    }

    private func decrypt(
        _ derived: borrowing SecretBytes, orElse failure: KeystoreError
    ) throws(KeystoreError) -> SecretKey {
        let cipherKey = derived.withBytes { SecretBytes(copying: $0.extracting(0..<AES128CTR.keyByteCount)) }
        let secret = try plaintext(of: fields.ciphertext, key: cipherKey, counter: fields.counter)
        do throws(Secp256k1Error) { return try SecretKey(secret) } catch { throw failure }
    }

    private func plaintext(
        of ciphertext: [UInt8], key: borrowing SecretBytes, counter: [UInt8]
    ) throws(KeystoreError) -> SecretBytes {
        do throws(CipherError) {
            return try AES128CTR.decrypt(ciphertext.span, key: key, counter: counter)
        } catch {
            throw .libraryFailed(error.description)
        }
    }
}

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

    /// Reads the document, of version 3 alone.
    ///
    /// - Throws: ``KeystoreError`` if a member is missing, malformed or not supported.
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
