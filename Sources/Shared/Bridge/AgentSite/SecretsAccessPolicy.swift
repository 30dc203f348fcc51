package import Failures
import HTTPServer
import KeySources
import SecretMemory

/// Who may see the messages of the inbox: this machine, networks, and those who bear a token.
///
/// Only the address at the other end of the connection counts: X-Forwarded-For and its like are anybody's word. But
/// from this machine itself they show a proxy, which asks for others, and is no reason to trust those.
package final class SecretsAccessPolicy: Sendable {
    private let networks: [IPNetwork]
    private let tokens: [Token]

    /// - Parameter admitted: networks (`10.0.0.0/8`), and `token-file:PATH`, besides this machine.
    /// - Throws: `HTTPServerError`, `KeyError` for a file that others can read, ``SecretsAccessError``.
    package init(_ admitted: [String]) throws {
        let prefix = "token-file:"
        networks = try IPNetwork.loopback + admitted.filter { !$0.hasPrefix(prefix) }.map { try IPNetwork($0) }
        tokens = try admitted.filter { $0.hasPrefix(prefix) }.map {
            try Token(file: String($0.dropFirst(prefix.count)))
        }
    }

    /// Why the sender of a request may not read the messages; nil if it may.
    func refusal(of request: ServerRequest) -> String? {
        if request.authorization.count == 1, let value = request.authorization.first,
            tokens.contains(where: { $0.isBorne(by: value) })
        {
            return nil
        }
        guard let peer = request.peer, networks.contains(where: { $0.contains(peer) }) else {
            return "messages are served only to this machine and to clients that --serve-secrets-to names"
        }
        guard !request.isForwarded || !IPNetwork.loopback.contains(where: { $0.contains(peer) }) else {
            return "a proxy on this machine serves other clients, which need a token"
        }
        // A web page whose name was made to resolve to this machine (DNS rebinding) still calls it by that name.
        guard let host = request.host, host == "localhost" || IPAddress(host) != nil else {
            return "messages are served only to clients that address this machine as localhost or by IP address"
        }
        return nil
    }
}

/// A secret whose bearer may read the messages.
private final class Token: Sendable {
    private let secret: SecretBytes

    init(file path: String) throws {
        let secret = try SecretFile.read(path).withoutLineEnd()
        guard secret.count >= SecretsAccessError.leastTokenLength else {
            throw SecretsAccessError.shortToken(path: path)
        }
        self.secret = secret
    }

    /// Whether it is the one of `Bearer TOKEN`. The time that this takes tells nothing but the token's length.
    func isBorne(by value: String) -> Bool {
        let words = value.split(separator: " ", maxSplits: 1)
        guard words.count == 2, words[0].lowercased() == "bearer" else { return false }
        let shown = Array(words[1].utf8)
        guard shown.count == secret.count else { return false }
        return secret.withBytes { bytes in
            bytes.indices.reduce(0 as UInt8) { difference, index in difference | (bytes[index] ^ shown[index]) } == 0
        }
    }
}

/// Why a token cannot be used.
package enum SecretsAccessError: UserFacingError, Equatable {
    /// The fewest characters that a token may have.
    static let leastTokenLength = 16

    /// The file's token can be guessed.
    case shortToken(path: String)

    package var kind: ErrorCategory { .badInput }

    package var description: String {
        switch self {
        case .shortToken(let path): "the token in \(path.quotedPath) has fewer than \(Self.leastTokenLength) characters"
        }
    }

    package var hints: [String] { ["openssl rand -hex 32 makes a good one"] }
}
