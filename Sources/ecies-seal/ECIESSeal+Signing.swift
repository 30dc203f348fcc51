import BridgeClient
import CommandLineTool
import Envelope
import KeySources
import NetworkOptions
import Secp256k1

extension ECIESSeal {
    /// What makes messages of texts: with --sign-with, in an envelope that the sending member signs.
    ///
    /// All that must be set is looked at before the key, and the key before a node is asked.
    /// - Parameter reader: what says which chain it is; nil where no node is asked, and the operator must have named
    ///   the chain.
    func sealer(_ reader: (any BridgeReader)?) throws -> Sealer {
        guard let signWith else { return Sealer(ecies: settings.ecies, signer: nil) }
        let source = try keys.source(named: signWith)
        let bridge = try bridge.address()
        let chain = try chain(reader)
        let key = try keys.load(source, observer: verbosity.observer(voice))
        let sender = key.publicKey.memberId
        if let fromMember, fromMember != sender { throw SealError.foreignSender(named: fromMember, signer: sender) }
        return Sealer(ecies: settings.ecies, signer: Sealer.Signer(key: key, bridge: bridge, chainId: try chain.id()))
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
            throw SettingError.missing(what: "the chain's id", option: "--chain", environment: "CHAIN")
        }
        return .named(id)
    }
}
