import Ciphers

/// A text that is being sealed where it stands, in pieces.
package struct Sealing: Sendable {
    /// The ephemeral key and the nonce.
    let front: [UInt8]
    let cipher: AES256GCM

    /// Seals the next piece of the text, from `start` to the end of `bytes`.
    package func seal(_ bytes: inout MutableSpan<UInt8>, from start: Int = 0) { cipher.update(&bytes, from: start) }

    /// Ends the message: writes what stands in front of the text.
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

/// A message that is being opened where it stands, in pieces.
package struct Opening: Sendable {
    let cipher: AES256GCM

    /// Opens the next piece of what stands behind the front, from `start` to the end of `bytes`.
    package func open(_ bytes: inout MutableSpan<UInt8>, from start: Int = 0) { cipher.update(&bytes, from: start) }

    /// Says whether the pieces were a message.
    ///
    /// - Throws: ``ECIESError``; nothing of the pieces is shown to anybody then.
    package func finish() throws(ECIESError) {
        do throws(CipherError) { try cipher.verify() } catch {
            throw error == .notAuthentic ? .doesNotOpen : .libraryFailed(error.description)
        }
    }
}
