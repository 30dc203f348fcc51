package import Failures
import Glibc

/// A key of the dstack guest agent, as options name it: `dstack:[WORD][?path=PATH][&purpose=PURPOSE][&socket=SOCKET]`.
///
/// A word alone is the path of the key where a key is named, and the agent's socket where a proof is fetched. One that
/// looks like the other is refused: whoever mixed them up would get another key, and read another inbox.
package struct AgentKey: Equatable, Sendable {
    /// The key's path; nil if the text does not say.
    package var path: String?
    /// The key's purpose; nil if the text does not say.
    package var purpose: String?
    /// The agent's socket or URL; nil if the text does not say.
    package var socket: String?

    /// What a word alone means.
    package enum Word: Sendable {
        /// The path of a key.
        case path
        /// The agent's socket or URL.
        case socket
    }

    /// - Parameters:
    ///   - text: what follows `dstack:`.
    ///   - isSocket: whether a socket is at a path of this machine.
    /// - Throws: ``AgentKeyError``.
    package init(
        _ text: String, word meaning: Word, isSocket: (String) -> Bool = AgentKey.isSocket
    ) throws(AgentKeyError) {
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let word = parts.first ?? ""
        var isNamed = false
        if parts.count > 1 {
            for parameter in (parts.last ?? "").split(separator: "&", omittingEmptySubsequences: false) {
                let sides = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard sides.count == 2, let value = sides.last.map(String.init) else { throw .unknown(text) }
                switch sides.first {
                case "path" where path == nil: path = value
                case "purpose" where purpose == nil: purpose = value
                case "socket" where socket == nil && !value.isEmpty: socket = value
                default: throw .unknown(text)
                }
                isNamed = true
            }
        }
        guard !word.isEmpty else { return }
        let looksLikeSocket =
            word.hasSuffix(".sock") || ["http://", "https://", "unix:"].contains { word.hasPrefix($0) }
            || isSocket(word)
        switch meaning {
        case .path:
            guard !looksLikeSocket else { throw .ambiguous(word: word) }
            guard path == nil else { throw .unknown(text) }
            path = word
        case .socket:
            guard looksLikeSocket || (!isNamed && word != Self.memberPath) else { throw .ambiguous(word: word) }
            guard socket == nil else { throw .unknown(text) }
            socket = word
        }
    }

    /// No more than what other options say.
    package init(path: String? = nil, purpose: String? = nil, socket: String? = nil) {
        (self.path, self.purpose, self.socket) = (path, purpose, socket)
    }

    /// The path of a member's key.
    package static let memberPath = "/bridge"
    /// The purpose of a member's key.
    package static let memberPurpose = "ethereum"

    /// Whether a socket is at a path.
    package static func isSocket(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }
}

/// Why a text names no key of the guest agent.
package enum AgentKeyError: UserFacingError, Equatable {
    /// A parameter that is not known, or one that stands there twice.
    case unknown(String)
    /// A word that could be a key's path and a socket's.
    case ambiguous(word: String)

    package var kind: ErrorCategory { .badInput }

    package var description: String {
        switch self {
        case .unknown(let text): "not a key of the guest agent: \("dstack:\(text)".hidingKeys.quoted())"
        case .ambiguous(let word): "\("dstack:\(word)".quoted()) could name a key's path or the agent's socket"
        }
    }

    package var hints: [String] {
        switch self {
        case .unknown: ["it is dstack:[?path=PATH][&purpose=PURPOSE][&socket=SOCKET]"]
        case .ambiguous(let word): ["write dstack:?path=\(word) or dstack:?socket=\(word)"]
        }
    }
}
