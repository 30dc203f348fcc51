package import Failures

/// Why nobody can be told apart by a token.
package enum SecretAccessError: Failure, Equatable {
    /// The fewest characters that a token may have.
    static let leastTokenLength = 16

    /// The file's token can be guessed.
    case shortToken(path: String)

    package var kind: FailureKind { .badInput }

    package var description: String {
        switch self {
        case .shortToken(let path): "the token in \(path.quotedPath) has less than \(Self.leastTokenLength) characters"
        }
    }

    package var hints: [String] { ["openssl rand -hex 32 makes a good one"] }
}
