package import Failures
package import Primitives

/// How many bytes a sealed message may have that is posted to a bridge.
package struct PayloadLimit: Equatable, Sendable {
    /// The contract, as messages call it.
    package let contract: String
    /// The most bytes, those of the seal included: MAX_PAYLOAD in contracts/TEEBridge.vy.
    ///
    /// The code of the deployed contracts sets no limit, but no transaction pays for as much there: a word of a message
    /// takes 22,100 gas to store and some 510 as calldata, and EIP-7825 allows 2^24 gas, which is 738 words at most.
    package let byteCount = 24_576

    /// The limit of the contract at an address; nil if that is not known.
    package init(of bridge: Address?) { contract = bridge.flatMap { Self.deployed[$0.bytes.hex] } ?? "TEEBridge" }

    private static let deployed = [
        "0x254057d9d92fc7f75e3d49f0c6b0be9ee2a334d5": "TEEBridge v1 on Base",
        "0xdf463af67d15e470a363e387fd688c78c2e94146": "TEEBridge v2 on Base",
    ]

    /// - Parameters:
    ///   - byteCount: how many bytes the sealed message has.
    ///   - overhead: how many of them are not the secret's, if that is known.
    ///   - line: where the message stands in the input, if that is known.
    /// - Throws: ``PayloadTooLong`` if those are too many.
    package func check(_ byteCount: Int, overhead: Int? = nil, line: Int? = nil) throws(PayloadTooLong) {
        guard byteCount > self.byteCount else { return }
        throw PayloadTooLong(limit: self, byteCount: byteCount, overhead: overhead, line: line)
    }
}

/// A sealed message that no bridge takes.
package struct PayloadTooLong: UserFacingError, Equatable {
    let limit: PayloadLimit
    let byteCount: Int
    let overhead: Int?
    let line: Int?

    package var kind: ErrorCategory { .badInput }

    package var description: String {
        (line.map { "line \($0): " } ?? "")
            + "the sealed message has \(byteCount) bytes, but \(limit.contract) takes at most \(limit.byteCount)"
    }

    package var hints: [String] {
        (overhead.map { ["a secret of at most \(limit.byteCount - $0) bytes fits"] } ?? [])
            + ["send more in several messages, or send where it is kept: see LARGE SECRETS in teebridge(7)"]
    }
}
