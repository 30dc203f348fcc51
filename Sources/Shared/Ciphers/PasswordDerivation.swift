import COpenSSL
package import Secrets

/// Ways to make a key of a password, slowly.
package enum PasswordDerivation: Equatable, Sendable {
    /// scrypt (RFC 7914): cost `n`, block size `r`, parallelism `p`.
    case scrypt(n: UInt64, r: UInt64, p: UInt64)
    /// PBKDF2 with HMAC-SHA-256 (RFC 8018).
    case pbkdf2SHA256(rounds: Int32)

    /// The most memory that scrypt may take: 128 n r bytes, and some more for p. geth's standard takes 256 MiB.
    private static let memoryLimit: UInt64 = 1 << 30

    /// `count` bytes of key material.
    ///
    /// - Throws: ``CipherError/libraryFailed(call:)`` for parameters that OpenSSL refuses, or that need more than
    ///   1 GiB of memory.
    package func derive(
        from password: borrowing SecretBytes, salt: [UInt8], count: Int
    ) throws(CipherError) -> SecretBytes {
        try SecretBytes(count: count) { target throws(CipherError) in
            let isDone = unsafe target.withUnsafeMutableBufferPointer { target in
                password.withBytes { password in
                    unsafe password.withUnsafeBufferPointer { password in
                        unsafe derive(password: password, salt: salt, into: target)
                    }
                }
            }
            guard isDone else { throw .libraryFailed(call: "password derivation") }
        }
    }

    private func derive(
        password: UnsafeBufferPointer<UInt8>, salt: [UInt8], into target: UnsafeMutableBufferPointer<UInt8>
    ) -> Bool {
        unsafe password.withMemoryRebound(to: CChar.self) { password in
            // An empty password has no address; OpenSSL would take nil for a question about the parameters.
            let empty: [CChar] = [0]
            return unsafe empty.withUnsafeBufferPointer { empty in
                let text = unsafe password.baseAddress ?? empty.baseAddress
                switch self {
                case .scrypt(let n, let r, let p):
                    return unsafe EVP_PBE_scrypt(
                        text, password.count, salt, salt.count, n, r, p, Self.memoryLimit, target.baseAddress,
                        target.count) == 1
                case .pbkdf2SHA256(let rounds):
                    return unsafe PKCS5_PBKDF2_HMAC(
                        text, Int32(clamping: password.count), salt, Int32(clamping: salt.count), rounds, EVP_sha256(),
                        Int32(clamping: target.count), target.baseAddress) == 1
                }
            }
        }
    }
}
