import ABI
import Primitives
import Sending
import TEEBridge

extension SentRecord {
    /// Why it reverted, with the names of the bridges' errors.
    var decodedRevert: RevertData? { revert.map(TEEBridge.answers.decodeRevert) }

    /// What to do about the revert of a request to a bridge, as far as its reason is a known one.
    var revertHints: [String] {
        switch decodedRevert {
        case .declared(let error, _): Self.hints[error.name].map { [$0] } ?? []
        case .empty: selector.flatMap { Self.hintsForOtherVersion[$0] }.map { [$0] } ?? []
        default: []
        }
    }

    /// By the names of the bridges' errors.
    private static let hints = [
        "NotOwner": "only the bridge's owner may do this: is --key the owner's, and the bridge the right one?",
        "CodeNotAllowed": "the owner allows the code first: abi-encode add-allowed-code, or register --allow",
        "InvalidDstackSignature":
            "is the proof's KMS root allowed? The owner allows it: abi-encode add-kms-root, or register --allow",
        "VerifierNotAllowed": "the owner allows the verifier first: abi-encode add-verifier, or register --allow",
        "AlreadyRegistered": "there is nothing to do: it is a member",
        "MemberNotFound": "sender and recipient must both be members of this bridge: abi-encode register",
    ]

    /// A contract reverts without a reason if it does not have the function: by what one version has and the other has
    /// not.
    private static let hintsForOtherVersion: [Selector: String] = [
        TEEBridge.registerDstack.selector:
            "a bridge with verifiers has no registerDstack: name the verifier, as abi-encode register --verifier 0x…",
        TEEBridge.addKmsRoot.selector: kmsRoots, TEEBridge.removeKmsRoot.selector: kmsRoots,
        TEEBridge.register.selector:
            "a bridge without verifiers has no register: leave --verifier out of abi-encode register",
        TEEBridge.addVerifier.selector: verifiers, TEEBridge.removeVerifier.selector: verifiers,
    ]
    private static let kmsRoots =
        "a bridge with verifiers has no KMS roots: they are on the verifier's list, as its --bridge"
    private static let verifiers = "a bridge without verifiers has none to allow: KMS roots are on its own list"
}
