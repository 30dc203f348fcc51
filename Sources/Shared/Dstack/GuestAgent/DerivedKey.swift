package import SecretMemory

/// A key that the agent derived for the app, and the signatures that vouch for it.
package struct DerivedKey: ~Copyable {
    private let secret: SecretBytes
    private let appLink: [UInt8]
    private let kmsLink: [UInt8]
    private let agent: String

    init(secret: consuming SecretBytes, appLink: [UInt8], kmsLink: [UInt8], agent: String) {
        self.secret = secret
        self.appLink = appLink
        self.kmsLink = kmsLink
        self.agent = agent
    }

    /// Whether the app's key was issued by a KMS; without one there is no ``signatureChain``.
    package var isKMSIssued: Bool { !kmsLink.isEmpty }

    /// Two signatures of 65 bytes, each r, s and v (0 or 1): the app key's over the purpose and the derived public
    /// key, and the KMS root's over the app's id and the app's public key.
    ///
    /// Nothing of them has been checked but their lengths.
    /// - Throws: ``GuestAgentError/notKMSIssued(agent:)``.
    package var signatureChain: [[UInt8]] {
        get throws(GuestAgentError) {
            guard isKMSIssued else { throw .notKMSIssued(agent: agent) }
            return [appLink, kmsLink]
        }
    }

    /// The 32 bytes of the key: a secp256k1 scalar.
    package consuming func takeSecret() -> SecretBytes { secret }
}
