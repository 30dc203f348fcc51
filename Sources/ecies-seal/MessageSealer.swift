import ArgumentParser
import BridgeClient
import CommandLineTool
import ECIES
import Envelope
import KeySources
import NetworkOptions
import Primitives
import Secp256k1

/// What makes a text a message: the settings of eciespy, and who signs.
struct MessageSealer: ~Copyable, Sendable {
    let ecies: ECIES
    let signer: Signer?

    /// The member that signs, and where its signature holds.
    struct Signer: ~Copyable, Sendable {
        let key: SecretKey
        let bridge: Address
        let chainId: UInt64
    }

    /// How many bytes a message has beyond its text, in front of it.
    var overhead: Int { ecies.overhead + (signer == nil ? 0 : Envelope.overhead) }

    /// The member that signs; nil if none does.
    var sender: Bytes32? {
        switch signer {
        case .some(let signer): signer.key.publicKey.memberId
        case .none: nil
        }
    }

    /// Begins to seal a text that comes in pieces, after ``overhead`` bytes; nil where it is signed, for which the
    /// whole of it is needed.
    ///
    /// - Throws: ``ECIESError``.
    func sealing(to recipient: PublicKey) throws(ECIESError) -> ECIESEncryptor? {
        switch signer {
        case .some: nil
        case .none: try ecies.sealing(to: recipient)
        }
    }

    /// Seals a text in place, after ``overhead`` bytes.
    ///
    /// - Throws: ``EnvelopeError``, ``ECIESError``; the text is then still a secret.
    func sealInPlace(_ message: inout MutableSpan<UInt8>, to recipient: PublicKey) throws {
        switch signer {
        case .some(let signer):
            let header = try EnvelopeHeader(
                chainId: signer.chainId, bridge: signer.bridge, from: signer.key.publicKey.memberId,
                to: recipient.memberId)
            Envelope.wrapInPlace(&message, from: ecies.overhead, header, signedWith: signer.key)
        case .none: break
        }
        try ecies.sealInPlace(&message, to: recipient)
    }
}

extension ECIESSeal {
    /// What makes messages of texts: with --sign-with, in an envelope that the sending member signs.
    ///
    /// All required settings are checked before the key is read, and the key before a node is queried.
    /// - Parameter reader: reads the chain id; nil where no node is queried, and the operator must have named
    ///   the chain.
    func sealer(_ reader: (any BridgeReader)?) throws -> MessageSealer {
        guard let signWith else { return MessageSealer(ecies: settings.ecies, signer: nil) }
        let source = try keys.source(named: signWith)
        let bridge = try bridge.address()
        let chain = try chain(reader)
        let key = try keys.load(source, observer: verbosity.observer(diagnostics))
        let sender = key.publicKey.memberId
        if let fromMember, fromMember != sender { throw SealError.foreignSender(named: fromMember, signer: sender) }
        return MessageSealer(
            ecies: settings.ecies, signer: MessageSealer.Signer(key: key, bridge: bridge, chainId: try chain.id()))
    }

    /// The chain that a signed message is for.
    private enum Chain {
        /// The operator named it.
        case named(UInt64)
        /// It is the bridge's.
        case ofBridge(any BridgeReader)

        func id() throws -> UInt64 {
            switch self {
            case .named(let id): id
            case .ofBridge(let reader): try reader.chain()
            }
        }
    }

    private func chain(_ reader: (any BridgeReader)?) throws -> Chain {
        if let reader { return .ofBridge(reader) }
        guard let id = try rpc.chainId() else {
            throw SettingError.missing(what: "the chain id", option: "--chain", environment: "CHAIN")
        }
        return .named(id)
    }
}

/// The settings in which eciespy's messages may differ from its default.
struct SealSettings: ParsableArguments {
    @Flag(help: "Use the 33-byte form of the ephemeral key in the message.")
    var ephemeralCompressed = false

    @Flag(help: "Derive the key from points in their 33-byte form.")
    var hkdfCompressed = false

    @Option(help: ArgumentHelp("Nonce length in bytes: 16 or 12.", valueName: "n"))
    var nonceLength: Int = 16

    func validate() throws {
        guard ECIES.NonceLength(rawValue: nonceLength) != nil else {
            throw ValidationError("--nonce-length must be 12 or 16")
        }
    }

    var ecies: ECIES {
        ECIES(
            ephemeralCompressed: ephemeralCompressed, derivationCompressed: hkdfCompressed,
            nonceLength: ECIES.NonceLength(rawValue: nonceLength) ?? .sixteen)
    }
}
