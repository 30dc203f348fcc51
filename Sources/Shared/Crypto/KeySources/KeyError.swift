import Console
package import Failures
package import JSON

/// Why a key could not be had from its source. Nothing of the key is ever in here.
package enum KeyError: UserFacingError, Equatable {
    /// Not one of the forms that name a source.
    case unknownSource(String)
    /// What follows `dstack:` could be a socket.
    case agentKey(AgentKeyError)
    /// Something that looks like a key itself, where the name of its source belongs.
    case keyAsArgument
    /// The file cannot be opened or read.
    case unreadable(source: String, reason: String)
    /// Others than the owner can read the file.
    case tooOpen(path: String, mode: UInt32)
    /// The environment variable is not set.
    case notInEnvironment(name: String)
    /// The source does not hold a key: 64 hex digits, with an optional 0x before and a newline after them.
    case notAKey(source: String)
    /// No such descriptor was given to the program, or it is open for writing only.
    case notOpen(descriptor: Int32)
    /// The file, which should hold a key's digits, is a keystore.
    case keystoreAsFile(path: String)
    /// The file, which should be a keystore, holds the digits of a key.
    case fileAsKeystore(path: String)
    /// The source holds a text in quotes.
    case quotedKey(source: String)
    /// The source holds a text in UTF-16.
    case utf16(source: String)
    /// What the guest agent gave is no key.
    case notAgentsKey
    /// No source is named.
    case noSource

    package var kind: ErrorCategory { self == .notAgentsKey ? .serviceFailed : .badInput }

    package var description: String {
        switch self {
        case .unknownSource(let text): "not a key source: \(text.hidingKeys.quoted())"
        case .agentKey(let error): error.description
        case .keyAsArgument:
            "a raw key is refused where a key source belongs: process lists and shell history would show it"
        case .unreadable(let source, let reason): "the key from \(source.quoted()) cannot be read: \(reason)"
        case .tooOpen(let path, let mode):
            "the file of a secret, \(path.quotedPath), can be read by others (mode \(String(mode, radix: 8)))"
        case .notInEnvironment(let name):
            "the environment variable \(name.quoted()), which should hold a key, is not set"
        case .notOpen(let number): "the descriptor \(number) is not open for reading"
        case .keystoreAsFile(let path): "\(path.quotedPath) holds a keystore instead of a key's hex digits"
        case .fileAsKeystore(let path): "\(path.quotedPath) holds a key's hex digits instead of a keystore"
        case .notAKey(let source): "\(source.quoted()) does not hold a key: 64 hex digits are needed"
        case .quotedKey(let source): "the key from \(source.quotedPath) is in quotes"
        case .utf16(let source): "\(source.quotedPath) is UTF-16, and UTF-8 is needed"
        case .notAgentsKey: "the guest agent returned 32 bytes that are not a valid key"
        case .noSource: "no key is set"
        }
    }

    package var hints: [String] {
        switch self {
        case .unknownSource(let text):
            [
                text.quotesHint
                    ?? "key sources are file:PATH, keystore:PATH, env:NAME, fd:N and dstack:PATH?purpose=PURPOSE"
            ]
        case .agentKey(let error): error.hints
        case .keyAsArgument: ["write it to a file that only you can read, and name that with file:PATH"]
        case .tooOpen(let path, _): ["chmod 600 \(path.shellWord)"]
        case .notAKey: ["is it the right file? a JSON keystore is named with keystore:PATH"]
        case .quotedKey: "\"".quotesHint.map { [$0] } ?? []
        case .utf16: [ConsoleError.utf16Hint]
        case .notInEnvironment(let name): ["env: takes the name of a variable: set and export \(name.hidingKeys)"]
        case .unreadable(let source, _): [source.tildeHint ?? "is the path right, and may this user read it?"]
        case .notOpen(let number): ["the shell opens it: --key fd:\(number) \(number)< FILE"]
        case .keystoreAsFile(let path): ["name it as one: keystore:\(path.shellWord)"]
        case .fileAsKeystore(let path): ["name it as one: file:\(path.shellWord)"]
        case .noSource: ["use --key SOURCE, or set TEEBRIDGE_KEY to a source"]
        case .notAgentsKey: ["the guest agent is broken, or the socket is not a dstack guest agent's"]
        }
    }
}

/// Why a keystore gave no key.
package enum KeystoreError: UserFacingError, Equatable {
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

    package var kind: ErrorCategory {
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
        case .damaged: "the keystore is damaged: the password is right, but the MAC does not match"
        case .foreignKey: "the keystore is damaged: its key does not match its address"
        case .libraryFailed(let text): text
        }
    }

    package var hints: [String] {
        switch self {
        case .malformed, .unsupported, .unusable: ["a keystore is Web3 Secret Storage, version 3, as geth makes it"]
        case .wrongPassword: ["try again, or name the password's file with --password-file"]
        case .damaged, .foreignKey: ["restore the keystore from a backup"]
        case .libraryFailed: []
        }
    }
}
