import Ciphers
package import Secp256k1
package import Secrets

/// ECIES over secp256k1 with AES-256-GCM, byte for byte as eciespy and eciesjs write it.
///
///     message = ephemeral public key (65 or 33) || nonce (16 or 12) || tag (16) || ciphertext
///     key     = HKDF-SHA256(ephemeral public key || shared point, no salt, no info, 32 bytes)
///
/// The format carries no version and no sender: that a message opens says nothing of who sealed it.
package struct ECIES: Sendable, Equatable {
    /// Whether the ephemeral key in the message is 33 bytes instead of 65.
    package let isEphemeralKeyCompressed: Bool
    /// Whether the two points that the key is derived from are 33 bytes instead of 65.
    package let isDerivationCompressed: Bool
    /// How many bytes the nonce has.
    package let nonceLength: NonceLength

    /// The nonce lengths that the format knows.
    package enum NonceLength: Int, Sendable, CaseIterable {
        case twelve = 12
        case sixteen = 16
    }

    /// The settings that eciespy and eciesjs have by default.
    package static let standard = ECIES()

    package init(
        ephemeralCompressed: Bool = false, derivationCompressed: Bool = false, nonceLength: NonceLength = .sixteen
    ) {
        self.isEphemeralKeyCompressed = ephemeralCompressed
        self.isDerivationCompressed = derivationCompressed
        self.nonceLength = nonceLength
    }

    private var ephemeralKeyByteCount: Int { isEphemeralKeyCompressed ? 33 : 65 }

    /// How many bytes a message has beyond its text.
    package var overhead: Int { ephemeralKeyByteCount + nonceLength.rawValue + AES256GCM.tagByteCount }

    /// Seals a text to a public key, with a fresh ephemeral key and nonce.
    ///
    /// - Throws: ``ECIESError/libraryFailed(_:)`` where the system has no randomness.
    package func seal(_ text: Span<UInt8>, to recipient: PublicKey) throws(ECIESError) -> [UInt8] {
        do {
            let ephemeral = try freshKey()
            let nonce = try RandomBytes.array(count: nonceLength.rawValue)
            return try seal(text, to: recipient, ephemeral: ephemeral, nonce: nonce)
        } catch let error as CipherError {
            throw .libraryFailed(error.description)
        } catch let error as ECIESError {
            throw error
        } catch {
            throw .libraryFailed("\(error)")
        }
    }

    /// Seals with an ephemeral key and a nonce that are given: for test vectors alone, since a pair used twice with
    /// one recipient gives the texts away.
    package func seal(
        _ text: Span<UInt8>, to recipient: PublicKey, ephemeral: borrowing SecretKey, nonce: [UInt8]
    ) throws(ECIESError) -> [UInt8] {
        precondition(nonce.count == nonceLength.rawValue)
        let ephemeralBytes =
            isEphemeralKeyCompressed ? ephemeral.publicKey.compressed : ephemeral.publicKey.uncompressed
        let point = ephemeral.sharedPoint(with: recipient, compressed: isDerivationCompressed)
        do throws(CipherError) {
            let key = try derivedKey(ephemeral: ephemeral.publicKey, point: point)
            var message = ephemeralBytes + nonce
            let tagStart = message.count
            let textStart = tagStart + AES256GCM.tagByteCount
            message.append(contentsOf: repeatElement(0, count: AES256GCM.tagByteCount + text.count))
            var target = message.mutableSpan
            try AES256GCM.seal(
                text, key: key, nonce: nonce.span, into: &target, tagStart: tagStart, ciphertextStart: textStart)
            return message
        } catch {
            throw .libraryFailed(error.description)
        }
    }

    /// Opens a message with the recipient's key.
    ///
    /// - Throws: ``ECIESError``; nothing of the text is shown then.
    package func open(_ message: Span<UInt8>, with key: borrowing SecretKey) throws(ECIESError) -> SecretBytes {
        guard message.count >= overhead else { throw .tooShort(actual: message.count, least: overhead) }
        let keyEnd = ephemeralKeyByteCount
        let nonceEnd = keyEnd + nonceLength.rawValue
        let textStart = nonceEnd + AES256GCM.tagByteCount
        let ephemeralBytes = (0..<keyEnd).map { message[$0] }
        guard let ephemeral = try? PublicKey(ephemeralBytes) else { throw .invalidEphemeralKey }
        let point = key.sharedPoint(with: ephemeral, compressed: isDerivationCompressed)
        do throws(CipherError) {
            let derived = try derivedKey(ephemeral: ephemeral, point: point)
            return try AES256GCM.open(
                message.extracting(textStart...), tag: message.extracting(nonceEnd..<textStart), key: derived,
                nonce: message.extracting(keyEnd..<nonceEnd))
        } catch {
            throw error == .notAuthentic ? .doesNotOpen : .libraryFailed(error.description)
        }
    }

    private func derivedKey(ephemeral: PublicKey, point: borrowing SecretBytes) throws(CipherError) -> SecretBytes {
        let sender = isDerivationCompressed ? ephemeral.compressed : ephemeral.uncompressed
        let material = SecretBytes(count: sender.count + point.count) { target in
            for index in sender.indices { target[index] = sender[index] }
            point.withBytes { bytes in
                for index in bytes.indices { target[sender.count + index] = bytes[index] }
            }
        }
        return try HKDF.derive(from: material, count: AES256GCM.keyByteCount)
    }

    private func freshKey() throws -> SecretKey {
        // A random 32 bytes are no key with probability 2^-128: then the error is the honest answer.
        try SecretKey(RandomBytes.secret(count: 32))
    }
}
