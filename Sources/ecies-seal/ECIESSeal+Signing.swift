import ArgumentParser
import BridgeClient
import Envelope
import Keys
import NetworkOptions
import Primitives
import Program
import Secp256k1
import Secrets

extension ECIESSeal {
    /// Who a signed message goes to, and the chain that it is for.
    private enum Destination {
        /// A key, on the chain that the operator named.
        case key(PublicKey, chainId: UInt64)
        /// A member of a bridge, on that one's chain.
        case member(Bytes32, of: any BridgeReader)

        /// The recipient's key and the chain.
        func find() throws -> (key: PublicKey, chainId: UInt64) {
            switch self {
            case .key(let key, let chainId): (key, chainId)
            case .member(let member, let bridge): (try bridge.publicKey(of: member), try bridge.chain())
            }
        }
    }

    /// Seals the text in an envelope that the sending member signs.
    ///
    /// All that must be set is looked at before the key, and the key before a node is asked.
    func sealSigned(with source: String) throws {
        let source = try keys.source(named: source)
        let bridge = try bridge.address()
        let destination = try destination()
        let key = try keys.load(source, observer: verbosity.observer(voice))
        let sender = key.publicKey.memberId
        if let fromMember, fromMember != sender { throw SealError.foreignSender(named: fromMember, signer: sender) }

        let (recipient, chainId) = try destination.find()
        let header = try EnvelopeHeader(chainId: chainId, bridge: bridge, from: sender, to: recipient.memberId)
        let text = try readText()
        let envelope = text.withBytes { Envelope.wrap($0, header, signedWith: key) }
        try seal(envelope, to: recipient, from: sender, toMember: header.to)
    }

    private func destination() throws -> Destination {
        if let toMember { return .member(toMember, of: try reader()) }
        guard let toPubkey else { throw ValidationError("one of --to-member and --to-pubkey is needed") }
        guard let chainId = try rpc.chainId() else {
            throw SettingError.missing(what: "the chain's id", option: "--chain", environment: "CHAIN")
        }
        return .key(toPubkey, chainId: chainId)
    }
}
