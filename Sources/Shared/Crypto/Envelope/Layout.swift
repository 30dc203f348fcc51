import Primitives

/// Where the parts of a signed message stand in its bytes; each has a fixed place.
enum Layout {
    /// What tells a signed message from a plain one.
    static let magic = Array("teebenv".utf8)
    /// The place of the version, behind the magic.
    static let versionOffset = 7
    /// The one version that is known.
    static let version: UInt8 = 1
    /// The chain id, big-endian.
    static let chainId = 8..<40
    static let bridge = 40..<60
    static let from = 60..<92
    static let to = 92..<124
    static let messageId = 124..<156
    /// r, s, and 27 or 28.
    static let signature = 156..<221
    /// Where the payload begins, and with it what may have any length.
    static let payloadOffset = 221
}

extension Span<UInt8> {
    /// A copy of the bytes in a range, for parts that are no secret.
    func copy(_ range: Range<Int>) -> [UInt8] { range.map { self[$0] } }
}
