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

    /// - Throws: ``KeystoreError`` for what is no keystore of version 3, or a costlier one than anybody makes.
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
