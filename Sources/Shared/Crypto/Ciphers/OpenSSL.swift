import COpenSSL
package import Failures
package import SecretMemory

/// One run of the cipher: OpenSSL's context and its key schedule, wiped and freed at the end.
@safe
struct CipherContext: ~Copyable {
    private let pointer: OpaquePointer

    /// A context without cipher and key; see ``begin(_:key:nonce:isEncrypting:)``.
    ///
    /// - Throws: ``CipherError/libraryFailed(call:)`` if there is no memory.
    init() throws(CipherError) {
        guard let context = unsafe EVP_CIPHER_CTX_new() else { throw .libraryFailed(call: "EVP_CIPHER_CTX_new") }
        unsafe pointer = context
    }

    deinit { unsafe EVP_CIPHER_CTX_free(pointer) }

    /// The ciphers that are used here.
    enum Cipher {
        case aes256GCM, aes128CTR

        var keyByteCount: Int { self == .aes256GCM ? 32 : 16 }
    }

    /// Sets the cipher, its key and its nonce.
    ///
    /// - Throws: ``CipherError/libraryFailed(call:)``.
    func begin(
        _ cipher: Cipher, key: borrowing SecretBytes, nonce: [UInt8], isEncrypting: Bool
    ) throws(CipherError) {
        precondition(key.count == cipher.keyByteCount)
        let method = unsafe cipher == .aes256GCM ? Self.aes256GCM.pointer : Self.aes128CTR.pointer
        guard let method = unsafe method else { throw .libraryFailed(call: "EVP_CIPHER_fetch") }
        let direction: Int32 = isEncrypting ? 1 : 0
        let length = Int32(clamping: nonce.count)
        let isReady = key.withBytes { key in
            unsafe key.withUnsafeBufferPointer { key in
                unsafe EVP_CipherInit_ex(pointer, method, nil, nil, nil, direction) == 1
                    && (cipher == .aes128CTR
                        || EVP_CIPHER_CTX_ctrl(pointer, EVP_CTRL_AEAD_SET_IVLEN, length, nil) == 1)
                    && EVP_CipherInit_ex(pointer, nil, nil, key.baseAddress, nonce, direction) == 1
            }
        }
        guard isReady else { throw .libraryFailed(call: "EVP_CipherInit_ex") }
    }

    private static let aes256GCM = unsafe LibraryMethod(EVP_CIPHER_fetch(nil, "AES-256-GCM", nil))
    private static let aes128CTR = unsafe LibraryMethod(EVP_CIPHER_fetch(nil, "AES-128-CTR", nil))

    /// EVP counts in `int`: longer texts go in pieces of this many bytes.
    private static let pieceByteCount = 1 << 30

    /// Encrypts or decrypts bytes in place, from `start` to the end.
    ///
    /// - Throws: ``CipherError/libraryFailed(call:)``.
    func update(_ bytes: inout MutableSpan<UInt8>, from start: Int) throws(CipherError) {
        var position = start
        while position < bytes.count {
            let count = min(bytes.count - position, Self.pieceByteCount)
            var written: Int32 = 0
            let isDone = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return false }
                let piece = unsafe base + position
                return unsafe EVP_CipherUpdate(pointer, piece, &written, piece, Int32(count)) == 1
            }
            guard isDone, written == count else { throw .libraryFailed(call: "EVP_CipherUpdate") }
            position += count
        }
    }

    /// Ends the message. When decrypting, this checks the tag.
    ///
    /// - Throws: ``CipherError/libraryFailed(call:)``, also for a wrong tag.
    func finish() throws(CipherError) {
        var written: Int32 = 0
        var nothing: UInt8 = 0
        guard unsafe EVP_CipherFinal_ex(pointer, &nothing, &written) == 1 else {
            throw .libraryFailed(call: "EVP_CipherFinal_ex")
        }
    }

    /// Writes the tag of an encrypted message.
    ///
    /// - Throws: ``CipherError/libraryFailed(call:)``.
    func readTag(into output: inout MutableSpan<UInt8>, at start: Int) throws(CipherError) {
        let isDone = unsafe output.withUnsafeMutableBufferPointer { output in
            guard let target = output.baseAddress else { return false }
            return unsafe EVP_CIPHER_CTX_ctrl(
                pointer, EVP_CTRL_AEAD_GET_TAG, Int32(AES256GCM.tagByteCount), target + start) == 1
        }
        guard isDone else { throw .libraryFailed(call: "EVP_CTRL_AEAD_GET_TAG") }
    }

    /// Sets the tag that ``finish()`` checks.
    ///
    /// - Throws: ``CipherError/libraryFailed(call:)``.
    func expectTag(_ tag: [UInt8]) throws(CipherError) {
        var tag = tag
        let isDone = unsafe EVP_CIPHER_CTX_ctrl(pointer, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag) == 1
        guard isDone else { throw .libraryFailed(call: "EVP_CTRL_AEAD_SET_TAG") }
    }
}

/// An algorithm as OpenSSL found it: looked up by its name once, and then only read.
///
/// `@unchecked Sendable`: OpenSSL lets any number of threads use one, and this is never freed.
@safe
struct LibraryMethod: @unchecked Sendable {
    /// nil where the library does not have it.
    let pointer: OpaquePointer?

    init(_ pointer: OpaquePointer?) { unsafe self.pointer = pointer }
}

/// Why a cipher did not do its work.
package enum CipherError: UserFacingError, Equatable {
    /// The tag does not fit: a wrong key, or changed bytes. Nothing of the plaintext was shown.
    case notAuthentic
    /// OpenSSL refused a call that cannot fail on sound arguments.
    case libraryFailed(call: String)
    /// A password could not be made a key, most likely for want of memory.
    case derivationFailed

    package var kind: ErrorCategory {
        switch self {
        case .notAuthentic: .negativeResult
        case .libraryFailed, .derivationFailed: .serviceFailed
        }
    }

    package var description: String {
        switch self {
        case .notAuthentic: "the authentication tag does not match"
        case .libraryFailed(let call): "OpenSSL's \(call) failed"
        case .derivationFailed: "no key could be derived from the password, most likely because memory ran out"
        }
    }
}

/// Bytes from OpenSSL's cryptographic random generator.
package enum RandomBytes {
    /// - Throws: ``CipherError/libraryFailed(call:)`` where the system has no randomness to give.
    package static func fill(_ target: inout MutableSpan<UInt8>) throws(CipherError) {
        let isDone = unsafe target.withUnsafeMutableBufferPointer { buffer in
            unsafe RAND_bytes(buffer.baseAddress, Int32(clamping: buffer.count)) == 1
        }
        guard isDone else { throw .libraryFailed(call: "RAND_bytes") }
    }

    /// `count` bytes that are no secret, such as a nonce.
    ///
    /// - Throws: ``CipherError`` if the system has no random bytes.
    package static func array(count: Int) throws(CipherError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        try fill(&span)
        return bytes
    }

    /// `count` bytes that are a secret, such as a key.
    ///
    /// - Throws: ``CipherError`` if the system has no random bytes or no memory.
    package static func secret(count: Int) throws(CipherError) -> SecretBytes {
        try SecretBytes(count: count) { target throws(CipherError) in try fill(&target) }
    }
}
