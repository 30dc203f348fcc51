package import SecretMemory

/// One text in AES-256 in Galois/Counter Mode (NIST SP 800-38D), encrypted or decrypted where it stands, in pieces, with
/// a nonce of 1 to 128 bytes and a tag of 16 bytes.
///
/// `@unchecked Sendable`: whoever has it lets one thread at a time use it.
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

    /// Encrypts or decrypts the next piece, from `start` to the end of `bytes`. Whether it could is told at the end.
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
    /// - Throws: ``CipherError/notAuthentic`` if the tag does not fit: then nobody shows anything of the pieces.
    ///   ``CipherError/libraryFailed(call:)``.
    package func verify() throws(CipherError) {
        if let failure { throw failure }
        do throws(CipherError) { try context.finish() } catch { throw .notAuthentic }
    }
}
