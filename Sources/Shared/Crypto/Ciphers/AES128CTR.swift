package import SecretMemory

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
