package import Secrets

/// AES-256 in Galois/Counter Mode (NIST SP 800-38D) with a nonce of 1 to 128 bytes and a tag of 16 bytes.
package enum AES256GCM {
    /// Bytes of a key.
    package static let keyByteCount = 32
    /// Bytes of a tag.
    package static let tagByteCount = 16

    /// Encrypts into a message whose parts stand in the caller's order.
    ///
    /// - Parameters:
    ///   - message: where the 16 bytes of the tag are written at `tagStart`, and as many bytes of ciphertext as
    ///     there are of plaintext at `ciphertextStart`.
    /// - Throws: ``CipherError/libraryFailed(call:)``, for a nonce of another length too.
    package static func seal(
        _ plaintext: Span<UInt8>, key: borrowing SecretBytes, nonce: Span<UInt8>,
        into message: inout MutableSpan<UInt8>, tagStart: Int, ciphertextStart: Int
    ) throws(CipherError) {
        precondition(tagStart + tagByteCount <= message.count && ciphertextStart + plaintext.count <= message.count)
        let context = try CipherContext()
        try context.begin(.aes256GCM, key: key, nonce: nonce, isEncrypting: true)
        try context.update(plaintext, into: &message, at: ciphertextStart)
        try context.finish()
        try context.readTag(into: &message, at: tagStart)
    }

    /// Decrypts. The plaintext leaves this function only if the tag fits.
    ///
    /// - Throws: ``CipherError/notAuthentic`` if the tag does not fit, ``CipherError/libraryFailed(call:)``.
    package static func open(
        _ ciphertext: Span<UInt8>, tag: Span<UInt8>, key: borrowing SecretBytes, nonce: Span<UInt8>
    ) throws(CipherError) -> SecretBytes {
        precondition(tag.count == tagByteCount)
        let context = try CipherContext()
        try context.begin(.aes256GCM, key: key, nonce: nonce, isEncrypting: false)
        try context.expectTag(tag)
        return try SecretBytes(count: ciphertext.count) { plaintext throws(CipherError) in
            try context.update(ciphertext, into: &plaintext, at: 0)
            do throws(CipherError) { try context.finish() } catch { throw .notAuthentic }
        }
    }
}
