package import SecretMemory

/// One text in AES-256 in Galois/Counter Mode (NIST SP 800-38D), encrypted or decrypted in place, in pieces, with
/// a nonce of 1 to 128 bytes and a tag of 16 bytes.
///
/// `@unchecked Sendable`: its owner lets one thread at a time use it.
package final class AES256GCM: @unchecked Sendable {
    /// Bytes of a key.
    package static let keyByteCount = 32
    /// Bytes of a tag.
    package static let tagByteCount = 16

    private let context: CipherContext
    /// What went wrong with a piece; the others are left as they are.
    private var failure: CipherError?

    /// Begins to encrypt.
    ///
    /// - Throws: ``CipherError/libraryFailed(call:)``, for a nonce of another length too.
    package init(encryptingWith key: borrowing SecretBytes, nonce: [UInt8]) throws(CipherError) {
        let context = try CipherContext()
        try context.begin(.aes256GCM, key: key, nonce: nonce, isEncrypting: true)
        self.context = context
    }

    /// Begins to decrypt.
    ///
    /// - Throws: as ``init(encryptingWith:nonce:)``.
    package init(decryptingWith key: borrowing SecretBytes, nonce: [UInt8], tag: [UInt8]) throws(CipherError) {
        precondition(tag.count == Self.tagByteCount)
        let context = try CipherContext()
        try context.begin(.aes256GCM, key: key, nonce: nonce, isEncrypting: false)
        try context.expectTag(tag)
        self.context = context
    }

    /// Encrypts or decrypts the next piece, from `start` to the end of `bytes`. Failure is reported at the end.
    package func update(_ bytes: inout MutableSpan<UInt8>, from start: Int = 0) {
        guard failure == nil else { return }
        do throws(CipherError) { try context.update(&bytes, from: start) } catch { failure = error }
    }

    /// Ends the encryption, and writes the 16 bytes of the tag to `message` at `start`.
    ///
    /// - Throws: ``CipherError/libraryFailed(call:)``: then the pieces may still be the text.
    package func finish(tagInto message: inout MutableSpan<UInt8>, at start: Int) throws(CipherError) {
        precondition(start + Self.tagByteCount <= message.count)
        if let failure { throw failure }
        try context.finish()
        try context.readTag(into: &message, at: start)
    }

    /// Ends the decryption.
    ///
    /// - Throws: ``CipherError/notAuthentic`` if the tag does not match; nothing of the pieces may be shown then.
    ///   ``CipherError/libraryFailed(call:)``.
    package func verify() throws(CipherError) {
        if let failure { throw failure }
        do throws(CipherError) { try context.finish() } catch { throw .notAuthentic }
    }
}

/// AES-128 in counter mode (NIST SP 800-38A), the cipher of Web3 Secret Storage. It proves nothing of the text: check
/// a MAC over the ciphertext first.
package enum AES128CTR {
    /// Bytes of a key, and of the first counter block.
    package static let keyByteCount = 16

    /// - Throws: ``CipherError/libraryFailed(call:)``.
    package static func decrypt(
        _ ciphertext: Span<UInt8>, key: borrowing SecretBytes, counter: [UInt8]
    ) throws(CipherError) -> SecretBytes {
        precondition(counter.count == keyByteCount)
        let context = try CipherContext()
        try context.begin(.aes128CTR, key: key, nonce: counter, isEncrypting: false)
        return try SecretBytes(count: ciphertext.count) { text throws(CipherError) in
            for index in ciphertext.indices { text[index] = ciphertext[index] }
            try context.update(&text, from: 0)
        }
    }
}
