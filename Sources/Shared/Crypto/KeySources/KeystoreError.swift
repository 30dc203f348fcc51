package import Failures
package import JSON

/// Why a keystore gave no key.
package enum KeystoreError: Failure, Equatable {
    /// Not a keystore: a member is missing or ill-typed.
    case malformed(JSONError)
    /// A version, cipher or derivation that is not supported.
    case unsupported(member: String, value: String)
    /// Parameters that no keystore should have.
    case unusable(member: String, reason: String)
    /// The MAC does not fit: the password is wrong, or the ciphertext or the MAC was damaged.
    case wrongPassword
    /// The password fits, for the key is that of the keystore's address, but the file's MAC does not.
    case damaged
    /// The MAC fits, but the key is not that of the keystore's address, or is none.
    case foreignKey
    /// A cipher or the derivation failed, most likely for want of memory.
    case libraryFailed(String)

    package var kind: FailureKind {
        switch self {
        case .libraryFailed: .serviceFailed
        default: .badInput
        }
    }

    package var description: String {
        switch self {
        case .malformed(let error): "not a keystore: \(error)"
        case .unsupported(let member, let value): "the keystore's \(member) is not supported: \(value.quoted())"
        case .unusable(let member, let reason): "the keystore's \(member) cannot be used: \(reason)"
        case .wrongPassword: "the password does not open the keystore"
        case .damaged: "the keystore is damaged: the password fits, but its MAC does not"
        case .foreignKey: "the keystore is damaged: its key is not that of its address"
        case .libraryFailed(let text): text
        }
    }

    package var hints: [String] {
        switch self {
        case .malformed, .unsupported, .unusable: ["a keystore is Web3 Secret Storage, version 3, as geth makes it"]
        case .wrongPassword: ["try it again, or name the file that the password is in with --password-file"]
        case .damaged, .foreignKey: ["restore the keystore from a copy"]
        case .libraryFailed: []
        }
    }
}
