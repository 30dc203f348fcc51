import COpenSSL
package import Secrets

/// AES-256 in Galois/Counter Mode (NIST SP 800-38D) with a nonce of any length and a tag of 16 bytes.
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
    /// - Throws: ``CipherError/libraryFailed(call:)``.
    package static func seal(
        _ plaintext: Span<UInt8>, key: borrowing SecretBytes, nonce: Span<UInt8>,
        into message: inout MutableSpan<UInt8>, tagStart: Int, ciphertextStart: Int
    ) throws(CipherError) {
        precondition(tagStart + tagByteCount <= message.count && ciphertextStart + plaintext.count <= message.count)
        let context = try CipherContext()
        try context.begin(key: key, nonce: nonce, isEncrypting: true)
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
        try context.begin(key: key, nonce: nonce, isEncrypting: false)
        try context.expectTag(tag)
        return try SecretBytes(count: ciphertext.count) { plaintext throws(CipherError) in
            try context.update(ciphertext, into: &plaintext, at: 0)
            do throws(CipherError) { try context.finish() } catch { throw .notAuthentic }
        }
    }
}

/// One run of the cipher: OpenSSL's context and its key schedule, wiped and freed at the end.
@safe
private struct CipherContext: ~Copyable {
    private let pointer: OpaquePointer

    init() throws(CipherError) {
        guard let context = unsafe EVP_CIPHER_CTX_new() else { throw .libraryFailed(call: "EVP_CIPHER_CTX_new") }
        unsafe pointer = context
    }

    deinit { unsafe EVP_CIPHER_CTX_free(pointer) }

    func begin(key: borrowing SecretBytes, nonce: Span<UInt8>, isEncrypting: Bool) throws(CipherError) {
        precondition(key.count == AES256GCM.keyByteCount)
        let direction: Int32 = isEncrypting ? 1 : 0
        let length = Int32(clamping: nonce.count)
        let isReady = key.withBytes { key in
            unsafe key.withUnsafeBufferPointer { key in
                unsafe nonce.withUnsafeBufferPointer { nonce in
                    unsafe EVP_CipherInit_ex(pointer, EVP_aes_256_gcm(), nil, nil, nil, direction) == 1
                        && EVP_CIPHER_CTX_ctrl(pointer, EVP_CTRL_AEAD_SET_IVLEN, length, nil) == 1
                        && EVP_CipherInit_ex(pointer, nil, nil, key.baseAddress, nonce.baseAddress, direction) == 1
                }
            }
        }
        guard isReady else { throw .libraryFailed(call: "EVP_CipherInit_ex") }
    }

    /// EVP counts in `int`: longer texts go in pieces of this many bytes.
    private static let pieceByteCount = 1 << 30

    func update(_ input: Span<UInt8>, into output: inout MutableSpan<UInt8>, at start: Int) throws(CipherError) {
        var position = 0
        while position < input.count {
            let count = min(input.count - position, Self.pieceByteCount)
            var written: Int32 = 0
            let isDone = unsafe input.withUnsafeBufferPointer { input in
                unsafe output.withUnsafeMutableBufferPointer { output in
                    guard let source = input.baseAddress, let target = output.baseAddress else { return false }
                    return unsafe EVP_CipherUpdate(
                        pointer, target + start + position, &written, source + position, Int32(count)) == 1
                }
            }
            guard isDone, written == count else { throw .libraryFailed(call: "EVP_CipherUpdate") }
            position += count
        }
    }

    func finish() throws(CipherError) {
        var written: Int32 = 0
        var nothing: UInt8 = 0
        guard unsafe EVP_CipherFinal_ex(pointer, &nothing, &written) == 1 else {
            throw .libraryFailed(call: "EVP_CipherFinal_ex")
        }
    }

    func readTag(into output: inout MutableSpan<UInt8>, at start: Int) throws(CipherError) {
        let isDone = unsafe output.withUnsafeMutableBufferPointer { output in
            guard let target = output.baseAddress else { return false }
            return unsafe EVP_CIPHER_CTX_ctrl(
                pointer, EVP_CTRL_AEAD_GET_TAG, Int32(AES256GCM.tagByteCount), target + start) == 1
        }
        guard isDone else { throw .libraryFailed(call: "EVP_CTRL_AEAD_GET_TAG") }
    }

    func expectTag(_ tag: Span<UInt8>) throws(CipherError) {
        let isDone = unsafe tag.withUnsafeBufferPointer { tag in
            unsafe EVP_CIPHER_CTX_ctrl(
                pointer, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), UnsafeMutablePointer(mutating: tag.baseAddress)) == 1
        }
        guard isDone else { throw .libraryFailed(call: "EVP_CTRL_AEAD_SET_TAG") }
    }
}
