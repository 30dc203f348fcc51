package import Secrets

/// AES-256 in Galois/Counter Mode (NIST SP 800-38D) with a nonce of 1 to 128 bytes and a tag of 16 bytes.
package enum AES256GCM {
    /// Bytes of a key.
    package static let keyByteCount = 32
    /// Bytes of a tag.
    package static let tagByteCount = 16

    /// Encrypts a text where it stands in a message, whose parts are in the caller's order.
    ///
    /// - Parameters:
    ///   - message: has the text from `textStart` to its end, and gets the 16 bytes of the tag at `tagStart`.
    /// - Throws: ``CipherError/libraryFailed(call:)``, for a nonce of another length too.
    package static func seal(
        _ message: inout MutableSpan<UInt8>, textStart: Int, tagStart: Int, key: borrowing SecretBytes, nonce: [UInt8]
    ) throws(CipherError) {
        precondition(tagStart + tagByteCount <= message.count && textStart <= message.count)
        let context = try CipherContext()
        try context.begin(.aes256GCM, key: key, nonce: nonce, isEncrypting: true)
        try context.update(&message, from: textStart)
        try context.finish()
        try context.readTag(into: &message, at: tagStart)
    }

    /// Decrypts a text where it stands in a message, from `textStart` to its end.
    ///
    /// - Throws: ``CipherError/notAuthentic`` if the tag does not fit: then the caller shows nothing of the message
    ///   to anybody. ``CipherError/libraryFailed(call:)``.
    package static func open(
        _ message: inout MutableSpan<UInt8>, textStart: Int, tag: [UInt8], key: borrowing SecretBytes, nonce: [UInt8]
    ) throws(CipherError) {
        precondition(tag.count == tagByteCount && textStart <= message.count)
        let context = try CipherContext()
        try context.begin(.aes256GCM, key: key, nonce: nonce, isEncrypting: false)
        try context.expectTag(tag)
        try context.update(&message, from: textStart)
        do throws(CipherError) { try context.finish() } catch { throw .notAuthentic }
    }
}
