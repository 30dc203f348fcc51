import COpenSSL
import Secrets

/// One run of the cipher: OpenSSL's context and its key schedule, wiped and freed at the end.
@safe
struct CipherContext: ~Copyable {
    private let pointer: OpaquePointer

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

    func begin(
        _ cipher: Cipher, key: borrowing SecretBytes, nonce: Span<UInt8>, isEncrypting: Bool
    ) throws(CipherError) {
        precondition(key.count == cipher.keyByteCount)
        let method = unsafe cipher == .aes256GCM ? EVP_aes_256_gcm() : EVP_aes_128_ctr()
        let direction: Int32 = isEncrypting ? 1 : 0
        let length = Int32(clamping: nonce.count)
        let isReady = key.withBytes { key in
            unsafe key.withUnsafeBufferPointer { key in
                unsafe nonce.withUnsafeBufferPointer { nonce in
                    unsafe EVP_CipherInit_ex(pointer, method, nil, nil, nil, direction) == 1
                        && (cipher == .aes128CTR
                            || EVP_CIPHER_CTX_ctrl(pointer, EVP_CTRL_AEAD_SET_IVLEN, length, nil) == 1)
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
