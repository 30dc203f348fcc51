import Ciphers
package import Failures
package import Secp256k1
package import SecretMemory

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
        /// 12 bytes, the usual length for AES-GCM.
        case twelve = 12
        /// 16 bytes, eciespy's default.
        case sixteen = 16
    }

    /// The settings that eciespy and eciesjs have by default.
    package static let standard = ECIES()

    /// A format, by default eciespy's.
    ///
    /// - Parameters:
    ///   - ephemeralCompressed: whether the ephemeral key is sent in 33 bytes instead of 65.
    ///   - derivationCompressed: whether the key derivation takes public keys in 33 bytes instead of 65.
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
        try message(of: text) { message throws(ECIESError) in try sealInPlace(&message, to: recipient) }
    }

    /// Seals with an ephemeral key and a nonce that are given: for test vectors alone, since a pair used twice with
    /// one recipient gives the texts away.
    ///
    /// - Throws: ``ECIESError`` if OpenSSL or libsecp256k1 fails.
    package func seal(
        _ text: Span<UInt8>, to recipient: PublicKey, ephemeral: borrowing SecretKey, nonce: [UInt8]
    ) throws(ECIESError) -> [UInt8] {
        try message(of: text) { message throws(ECIESError) in
            try sealInPlace(&message, to: recipient, ephemeral: ephemeral, nonce: nonce)
        }
    }

    /// Seals a text in place: `message` has ``overhead`` bytes before it, which are overwritten.
    ///
    /// - Throws: as ``seal(_:to:)``; the text is then still a secret.
    package func sealInPlace(_ message: inout MutableSpan<UInt8>, to recipient: PublicKey) throws(ECIESError) {
        let ephemeral = try freshKey()
        try sealInPlace(&message, to: recipient, ephemeral: ephemeral, nonce: freshNonce())
    }

    private func sealInPlace(
        _ message: inout MutableSpan<UInt8>, to recipient: PublicKey, ephemeral: borrowing SecretKey, nonce: [UInt8]
    ) throws(ECIESError) {
        let sealing = try sealing(to: recipient, ephemeral: ephemeral, nonce: nonce)
        sealing.seal(&message, from: overhead)
        try sealing.finish(&message)
    }

    /// Begins to seal a text that comes in pieces, with a fresh ephemeral key and nonce.
    ///
    /// - Throws: as ``seal(_:to:)``.
    package func sealing(to recipient: PublicKey) throws(ECIESError) -> ECIESEncryptor {
        let ephemeral = try freshKey()
        return try sealing(to: recipient, ephemeral: ephemeral, nonce: freshNonce())
    }

    private func sealing(
        to recipient: PublicKey, ephemeral: borrowing SecretKey, nonce: [UInt8]
    ) throws(ECIESError) -> ECIESEncryptor {
        precondition(nonce.count == nonceLength.rawValue)
        let point = ephemeral.sharedPoint(with: recipient, compressed: isDerivationCompressed)
        let (compressed, uncompressed) = (ephemeral.publicKey.compressed, ephemeral.publicKey.uncompressed)
        do throws(CipherError) {
            let key = try derivedKey(sender: isDerivationCompressed ? compressed : uncompressed, point: point)
            return ECIESEncryptor(
                front: (isEphemeralKeyCompressed ? compressed : uncompressed) + nonce,
                cipher: try AES256GCM(encryptingWith: key, nonce: nonce))
        } catch {
            throw .libraryFailed(error.description)
        }
    }

    /// A text with room in front of it, as `seal` then leaves it.
    private func message(
        of text: Span<UInt8>, sealedBy seal: (inout MutableSpan<UInt8>) throws(ECIESError) -> Void
    ) throws(ECIESError) -> [UInt8] {
        var message = [UInt8](repeating: 0, count: overhead + text.count)
        var span = message.mutableSpan
        for index in text.indices { span[overhead + index] = text[index] }
        do throws(ECIESError) { try seal(&span) } catch {
            wipe(&message)
            throw error
        }
        return message
    }

    /// Opens a message with the recipient's key.
    ///
    /// - Throws: ``ECIESError``; nothing of the text is shown then.
    package func open(_ message: Span<UInt8>, with key: borrowing SecretKey) throws(ECIESError) -> SecretBytes {
        let opened = try SecretBytes(count: message.count) { copy throws(ECIESError) in
            for index in message.indices { copy[index] = message[index] }
            try openInPlace(&copy, with: key)
        }
        return opened.withBytes { SecretBytes(copying: $0.extracting(overhead...)) }
    }

    /// Opens a message in place: the text then follows ``overhead`` bytes.
    ///
    /// - Throws: ``ECIESError``; nothing of `message` may be shown then.
    package func openInPlace(
        _ message: inout MutableSpan<UInt8>, with key: borrowing SecretKey
    ) throws(ECIESError) {
        guard message.count >= overhead else { throw .tooShort(actual: message.count, least: overhead) }
        let opening = try opening((0..<overhead).map { message[$0] }, with: key)
        opening.open(&message, from: overhead)
        try opening.finish()
    }

    /// Begins to open a message that comes in pieces.
    ///
    /// - Parameter front: the ``overhead`` bytes that it begins with.
    /// - Throws: ``ECIESError/invalidEphemeralKey``, ``ECIESError/libraryFailed(_:)``.
    package func opening(_ front: [UInt8], with key: borrowing SecretKey) throws(ECIESError) -> ECIESDecryptor {
        precondition(front.count == overhead)
        let nonceEnd = ephemeralKeyByteCount + nonceLength.rawValue
        guard let ephemeral = try? PublicKey(front[..<ephemeralKeyByteCount]) else { throw .invalidEphemeralKey }
        let point = key.sharedPoint(with: ephemeral, compressed: isDerivationCompressed)
        do throws(CipherError) {
            let sender = isDerivationCompressed ? ephemeral.compressed : ephemeral.uncompressed
            let derived = try derivedKey(sender: sender, point: point)
            return ECIESDecryptor(
                cipher: try AES256GCM(
                    decryptingWith: derived, nonce: Array(front[ephemeralKeyByteCount..<nonceEnd]),
                    tag: Array(front[nonceEnd...])))
        } catch {
            throw .libraryFailed(error.description)
        }
    }

    private func derivedKey(sender: [UInt8], point: borrowing SecretBytes) throws(CipherError) -> SecretBytes {
        let material = SecretBytes(count: sender.count + point.count) { target in
            for index in sender.indices { target[index] = sender[index] }
            point.withBytes { bytes in
                for index in bytes.indices { target[sender.count + index] = bytes[index] }
            }
        }
        return try HKDF.derive(from: material, count: AES256GCM.keyByteCount)
    }

    private func freshKey() throws(ECIESError) -> SecretKey {
        // A random 32 bytes are no key with probability 2^-128: then the error is the honest answer.
        do { return try SecretKey(RandomBytes.secret(count: 32)) } catch { throw .libraryFailed("\(error)") }
    }

    private func freshNonce() throws(ECIESError) -> [UInt8] {
        do throws(CipherError) { return try RandomBytes.array(count: nonceLength.rawValue) } catch {
            throw .libraryFailed(error.description)
        }
    }
}

/// A text that is being sealed in place, in pieces.
package struct ECIESEncryptor: Sendable {
    /// The ephemeral key and the nonce.
    let front: [UInt8]
    let cipher: AES256GCM

    /// Seals the next piece of the text, from `start` to the end of `bytes`.
    package func seal(_ bytes: inout MutableSpan<UInt8>, from start: Int = 0) { cipher.update(&bytes, from: start) }

    /// Ends the message: writes what precedes the text.
    ///
    /// - Throws: ``ECIESError/libraryFailed(_:)``; the text is then still a secret.
    package func finish(_ message: inout MutableSpan<UInt8>) throws(ECIESError) {
        precondition(message.count >= front.count + AES256GCM.tagByteCount)
        for (index, byte) in front.enumerated() { message[index] = byte }
        do throws(CipherError) { try cipher.finish(tagInto: &message, at: front.count) } catch {
            throw .libraryFailed(error.description)
        }
    }
}

/// A message that is being opened in place, in pieces.
package struct ECIESDecryptor: Sendable {
    let cipher: AES256GCM

    /// Opens the next piece of what follows the front, from `start` to the end of `bytes`.
    package func open(_ bytes: inout MutableSpan<UInt8>, from start: Int = 0) { cipher.update(&bytes, from: start) }

    /// Says whether the pieces were a message.
    ///
    /// - Throws: ``ECIESError``; nothing of the pieces may be shown then.
    package func finish() throws(ECIESError) {
        do throws(CipherError) { try cipher.verify() } catch {
            throw error == .notAuthentic ? .doesNotOpen : .libraryFailed(error.description)
        }
    }
}

/// Why a message was not sealed, or does not open.
package enum ECIESError: UserFacingError, Equatable {
    /// Fewer bytes than a sealed message has before its text.
    case tooShort(actual: Int, least: Int)
    /// The message does not begin with a public key of the expected form.
    case invalidEphemeralKey
    /// The tag does not fit. Nothing of the text was shown.
    case doesNotOpen
    /// OpenSSL failed where it cannot on sound arguments.
    case libraryFailed(String)

    package var kind: ErrorCategory {
        switch self {
        case .libraryFailed: .serviceFailed
        default: .negativeResult
        }
    }

    package var description: String {
        switch self {
        case .tooShort(let actual, let least):
            "the sealed message has \(actual) bytes, but at least \(least) are needed"
        case .invalidEphemeralKey: "the sealed message does not begin with a public key of the expected form"
        case .doesNotOpen:
            "the sealed message does not open: it is for another key, sealed with other settings, or damaged"
        case .libraryFailed(let text): text
        }
    }

    package var hints: [String] {
        switch self {
        case .tooShort, .invalidEphemeralKey:
            ["is it from ecies-seal, or from eciespy with the same settings (--ephemeral-compressed)?"]
        case .doesNotOpen:
            ["is --key the recipient's, and do the settings match the sender's (--hkdf-compressed, --nonce-length)?"]
        case .libraryFailed: []
        }
    }
}
