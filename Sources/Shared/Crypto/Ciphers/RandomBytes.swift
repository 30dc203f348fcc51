import COpenSSL
package import SecretMemory

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
    package static func array(count: Int) throws(CipherError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        try fill(&span)
        return bytes
    }

    /// `count` bytes that are a secret, such as a key.
    package static func secret(count: Int) throws(CipherError) -> SecretBytes {
        try SecretBytes(count: count) { target throws(CipherError) in try fill(&target) }
    }
}
