package import Failures
package import JSON
package import Primitives
package import Secp256k1

/// Why a proof document is invalid.
package enum ProofError: UserFacingError, Equatable {
    /// Not a proof document: a member is missing or ill-typed.
    case malformed(JSONError)
    /// A signature of the chain is no signature.
    case invalidSignature(member: String, Secp256k1Error)
    /// A public key of the chain is no key.
    case invalidPublicKey(member: String, Secp256k1Error)
    /// The message was not signed by the derived key.
    case wrongMessageSigner(expected: Address, recovered: Address)
    /// The derived key was not signed by the app key that the document names.
    case wrongAppKey(expected: PublicKey, recovered: PublicKey)
    /// The message is not the one that registers.
    case wrongMessage(actual: Bytes32)
    /// The chain was made for another purpose.
    case wrongPurpose(actual: String)
    /// The code id is not the 20 bytes of the app id and 12 zero bytes.
    case unpaddedCodeId(Bytes32)
    /// What the document says of itself is not what its signatures say.
    case contradiction(member: String, claimed: String, actual: String)
    /// The app's keys do not come from a KMS: the second link of the chain is empty.
    case notKMSIssued

    package var kind: ErrorCategory {
        if case .malformed = self { .badInput } else { .negativeResult }
    }

    package var description: String {
        switch self {
        case .malformed(let error): error.description
        case .invalidSignature(let member, let error): "\(member): \(error)"
        case .invalidPublicKey(let member, let error): "\(member): \(error)"
        case .wrongMessageSigner(let expected, let recovered):
            "message_signature is by \(recovered), not by the derived key's address \(expected)"
        case .wrongAppKey(let expected, let recovered):
            "app_signature is by the key \(recovered), not by app_compressed_pubkey \(expected)"
        case .wrongMessage(let actual):
            "message_hash is \(actual), not the hash of \(Proof.message.quoted())"
        case .wrongPurpose(let actual):
            "the proof was made for the purpose \(actual.quoted()), not for \(Proof.purpose.quoted())"
        case .unpaddedCodeId(let codeId): "code_id \(codeId) is not an app id followed by 12 zero bytes"
        case .contradiction(let member, let claimed, let actual):
            "\(member) is \(claimed.quoted()), but the signatures say \(actual)"
        case .notKMSIssued: "the app's keys do not come from a KMS: kms_signature is empty"
        }
    }

    package var hints: [String] {
        switch self {
        case .wrongPurpose: ["the CVM must ask its guest agent for the key with purpose \(Proof.purpose.quoted())"]
        case .wrongAppKey:
            ["the key was derived for a purpose other than the one in the proof, or the proof was altered in transit"]
        case .wrongMessage, .wrongMessageSigner: ["the proof is of something else, or was altered in transit"]
        case .malformed, .invalidSignature, .invalidPublicKey, .contradiction, .unpaddedCodeId:
            ["the proof was altered in transit: fetch it from the CVM again (proof-fetch)"]
        case .notKMSIssued: ["deploy the app with a KMS as its key provider"]
        }
    }
}
