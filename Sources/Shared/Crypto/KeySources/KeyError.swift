import Console
package import Failures

/// Why a key could not be had from its source. Nothing of the key is ever in here.
package enum KeyError: Failure, Equatable {
    /// Not one of the forms that name a source.
    case unknownSource(String)
    /// Something that looks like a key itself, where the name of its source belongs.
    case keyAsArgument
    /// The file cannot be opened or read.
    case unreadable(source: String, reason: String)
    /// Others than the owner can read the file.
    case tooOpen(path: String, mode: UInt32)
    /// The environment variable is not set.
    case notInEnvironment(name: String)
    /// What the source holds is no key: 64 hex digits, optionally 0x in front and a line end behind.
    case notAKey(source: String)
    /// What the guest agent gave is no key.
    case notAgentsKey
    /// No source is named.
    case noSource

    package var kind: FailureKind { self == .notAgentsKey ? .serviceFailed : .badInput }

    package var description: String {
        switch self {
        case .unknownSource(let text): "not a key source: \(text.hidingKeys.quoted())"
        case .keyAsArgument:
            "a raw key is refused where its source is to be named: it shows in process lists and shell history"
        case .unreadable(let source, let reason): "the key from \(source.quoted()) cannot be read: \(reason)"
        case .tooOpen(let path, let mode):
            "the file of a secret, \(path.quotedPath), can be read by others (mode \(String(mode, radix: 8)))"
        case .notInEnvironment(let name):
            "the environment variable \(name.quoted()), which should hold a key, is not set"
        case .notAKey(let source): "\(source.quoted()) does not hold a key: 64 hex digits are needed"
        case .notAgentsKey: "the guest agent gave 32 bytes that are no key"
        case .noSource: "no key is named"
        }
    }

    package var hints: [String] {
        switch self {
        case .unknownSource:
            ["key sources are file:PATH, keystore:PATH, env:NAME, fd:N and dstack:PATH?purpose=PURPOSE"]
        case .keyAsArgument: ["write it to a file that only you can read, and name it as file:PATH"]
        case .tooOpen(let path, _): ["chmod 600 \(path)"]
        case .notAKey: ["is it another file? A keystore of JSON is named as keystore:PATH"]
        case .notInEnvironment(let name): ["env: takes the name of a variable: set and export \(name.hidingKeys)"]
        case .unreadable: ["is the path right, and may this user read it?"]
        case .noSource: ["use --key SOURCE, or set TEEBRIDGE_KEY to a source"]
        case .notAgentsKey: ["the guest agent is out of order: is the socket that of dstack's agent?"]
        }
    }
}
