import COpenSSL
package import SecretMemory

/// Ways to make a key of a password, slowly.
package enum PasswordDerivation: Equatable, Sendable {
    /// scrypt (RFC 7914).
    case scrypt(Scrypt)
    /// PBKDF2 with HMAC-SHA-256 (RFC 8018).
    case pbkdf2SHA256(rounds: Int32)

    /// `count` bytes of key material.
    ///
    /// - Throws: ``CipherError/derivationFailed``.
    package func derive(
        from password: borrowing SecretBytes, salt: [UInt8], count: Int
    ) throws(CipherError) -> SecretBytes {
        try SecretBytes(count: count) { target throws(CipherError) in
            let isDone = unsafe target.withUnsafeMutableBufferPointer { target in
                password.withBytes { password in
                    unsafe password.withUnsafeBufferPointer { password in
                        unsafe salt.withUnsafeBufferPointer { salt in
                            unsafe derive(password: password, salt: salt, into: target)
                        }
                    }
                }
            }
            guard isDone else { throw .derivationFailed }
        }
    }

    private func derive(
        password: UnsafeBufferPointer<UInt8>, salt: UnsafeBufferPointer<UInt8>,
        into target: UnsafeMutableBufferPointer<UInt8>
    ) -> Bool {
        switch self {
        case .scrypt(let scrypt): unsafe scrypt.derive(password: password, salt: salt, into: target)
        case .pbkdf2SHA256(let rounds):
            unsafe pbkdf2(password: password, salt: salt, rounds: rounds, into: target)
        }
    }
}

/// PBKDF2 with HMAC-SHA-256 by OpenSSL, which takes nil for an empty password or salt.
func pbkdf2(
    password: UnsafeBufferPointer<UInt8>, salt: UnsafeBufferPointer<UInt8>, rounds: Int32,
    into target: UnsafeMutableBufferPointer<UInt8>
) -> Bool {
    unsafe password.withMemoryRebound(to: CChar.self) { password in
        unsafe PKCS5_PBKDF2_HMAC(
            password.baseAddress, Int32(clamping: password.count), salt.baseAddress, Int32(clamping: salt.count),
            rounds,
            EVP_sha256(), Int32(clamping: target.count), target.baseAddress) == 1
    }
}
