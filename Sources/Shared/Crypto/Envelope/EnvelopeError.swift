package import Failures
package import Primitives

/// Why a signed message is refused, or could not be made.
package enum EnvelopeError: UserFacingError, Equatable {
    /// It ends before its payload begins.
    case cutOff(actual: Int, least: Int)
    /// Its version is not the one that is known here.
    case unknownVersion(UInt8)
    /// The chain id needs more than 64 bits.
    case chainIdTooLarge
    /// The signature is none, or not that of the member that the envelope names, or not over this envelope.
    case badSignature(from: Bytes32)
    /// The signature has a second form, and this is the malleable one (high s).
    case malleableSignature
    /// It was made for another member.
    case otherRecipient(named: Bytes32, expected: Bytes32)
    /// It was made for another contract.
    case otherBridge(named: Address, expected: Address)
    /// It was made for another chain.
    case otherChain(named: UInt64, expected: UInt64)
    /// It was signed by a member other than its claimed sender.
    case otherSender(signed: Bytes32, said: Bytes32)
    /// It was delivered before.
    case replayed(messageId: Bytes32)
    /// The system has no randomness for a message id.
    case noRandomness(String)

    package var kind: ErrorCategory {
        if case .noRandomness = self { .serviceFailed } else { .negativeResult }
    }

    package var description: String {
        switch self {
        case .cutOff(let actual, let least):
            "the signed message is cut off: it has \(actual) bytes, but at least \(least) are needed"
        case .unknownVersion(let version):
            "the signed message has the unknown version \(version): it was made by a newer version"
        case .chainIdTooLarge: "the signed message is malformed: its chain id needs more than 64 bits"
        case .badSignature(let from): "the message's signature is invalid: \(from) did not sign this message"
        case .malleableSignature: "the message's signature is malleable: its s is in the upper half"
        case .otherRecipient(let named, let expected):
            "the signed message was made for another recipient: for \(named), not for \(expected)"
        case .otherBridge(let named, let expected):
            "the signed message was made for another bridge: for \(named), not for \(expected)"
        case .otherChain(let named, let expected):
            "the signed message was made for another chain: for \(named), not for \(expected)"
        case .otherSender(let signed, let said):
            "the message names the wrong sender: signed by \(signed), posted as from \(said)"
        case .replayed(let messageId): "the signed message was replayed: \(messageId) was delivered before"
        case .noRandomness(let reason): "no message id could be generated: \(reason)"
        }
    }

    package var hints: [String] {
        switch self {
        case .cutOff, .chainIdTooLarge, .badSignature, .malleableSignature:
            ["it was altered, or ecies-seal did not make it: ask the sender to send it again"]
        case .unknownVersion: ["open it with the version of the programs that sealed it, or a newer one"]
        case .otherRecipient: ["someone other than its sender may have posted it; or is --key the wrong one?"]
        case .otherBridge: ["someone other than its sender may have posted it; or is --bridge the wrong one?"]
        case .otherChain: ["someone other than its sender may have posted it; or is --chain the wrong one?"]
        case .otherSender: ["do not trust it: it was posted in another member's name"]
        case .replayed: ["nothing is lost: it was delivered the first time"]
        case .noRandomness: []
        }
    }
}
