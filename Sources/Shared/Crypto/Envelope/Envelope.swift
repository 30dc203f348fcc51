package import Failures
package import Primitives
package import Secp256k1
package import SecretMemory

/// A message that its sender signed: the signature was checked when there is a value.
///
/// It travels inside a sealed message, as these bytes:
///
///     "teebenv" 01 || chain id (32) || bridge (20) || from (32) || to (32) || message id (32) || signature (65) || payload
///
/// The signature is over typed data (EIP-712); see ``EnvelopeHeader/digest(payloadHash:)``. No chain is needed to
/// check it: a member id is the hash of the member's key, and the key follows from the signature.
/// Whether the message is meant for its reader is ``EnvelopeExpectation``'s question.
package struct Envelope: ~Copyable {
    /// What the sender signed besides the payload.
    package let header: EnvelopeHeader
    private let payload: SecretBytes

    /// The number of bytes before the payload.
    package static var overhead: Int { EnvelopeLayout.payloadOffset }

    private init(header: EnvelopeHeader, payload: consuming SecretBytes) {
        self.header = header
        self.payload = payload
    }

    /// The payload, which the envelope gives up.
    package consuming func takePayload() -> SecretBytes { payload }

    // MARK: - Writing

    /// Wraps a payload: the bytes to seal.
    ///
    /// - Parameters:
    ///   - header: names as sender the member that the key makes.
    ///   - key: the sender's member key.
    package static func wrap(
        _ payload: Span<UInt8>, _ header: EnvelopeHeader, signedWith key: borrowing SecretKey
    ) -> SecretBytes {
        SecretBytes(count: overhead + payload.count) { target in
            for index in payload.indices { target[overhead + index] = payload[index] }
            wrapInPlace(&target, from: 0, header, signedWith: key)
        }
    }

    /// Wraps a payload in place.
    ///
    /// - Parameters:
    ///   - message: has the payload after ``overhead`` bytes from `start` on, which are overwritten.
    ///   - header: names as sender the member that the key makes.
    ///   - key: the sender's member key.
    package static func wrapInPlace(
        _ message: inout MutableSpan<UInt8>, from start: Int, _ header: EnvelopeHeader,
        signedWith key: borrowing SecretKey
    ) {
        let hash = Keccak256.hash(message.span.extracting((start + overhead)...))
        let signature = key.sign(prehash: header.digest(payloadHash: hash))
        let front =
            EnvelopeLayout.magic + [EnvelopeLayout.version] + UInt256(header.chainId).word.bytes + header.bridge.bytes
            + header.from.bytes + header.to.bytes + header.messageId.bytes + signature.walletBytes
        for (index, byte) in front.enumerated() { message[start + index] = byte }
    }

    // MARK: - Reading

    /// The envelope that a text is; nil for a plain message, which does not begin with the magic.
    ///
    /// - Throws: ``EnvelopeError`` for one that is cut off, of an unknown version, malformed, or not signed by the
    ///   member that it names as its sender.
    package static func parse(_ text: borrowing SecretBytes) throws(EnvelopeError) -> Envelope? {
        try text.withBytes { bytes throws(EnvelopeError) in try parse(bytes) }
    }

    private static func parse(_ bytes: Span<UInt8>) throws(EnvelopeError) -> Envelope? {
        guard let header = try checkedHeader(of: bytes) else { return nil }
        return Envelope(header: header, payload: SecretBytes(copying: bytes.extracting(overhead...)))
    }

    /// The header of the envelope that a text is, whose payload follows ``overhead`` bytes; nil for a plain
    /// message.
    ///
    /// - Throws: as ``parse(_:)``.
    package static func checkedHeader(of bytes: Span<UInt8>) throws(EnvelopeError) -> EnvelopeHeader? {
        guard bytes.count >= EnvelopeLayout.magic.count,
            bytes.copy(0..<EnvelopeLayout.magic.count) == EnvelopeLayout.magic
        else { return nil }
        // A newer version's may be shorter: its version is checked before its length.
        if bytes.count > EnvelopeLayout.versionOffset, bytes[EnvelopeLayout.versionOffset] != EnvelopeLayout.version {
            throw .unknownVersion(bytes[EnvelopeLayout.versionOffset])
        }
        guard bytes.count >= EnvelopeLayout.payloadOffset else {
            throw .cutOff(actual: bytes.count, least: EnvelopeLayout.payloadOffset)
        }
        let header = try header(bytes)
        let payload = bytes.extracting(EnvelopeLayout.payloadOffset...)
        try verify(bytes.copy(EnvelopeLayout.signature), header, payloadHash: Keccak256.hash(payload))
        return header
    }

    private static func header(_ bytes: Span<UInt8>) throws(EnvelopeError) -> EnvelopeHeader {
        guard let chainId = UInt256(Bytes32(checked: bytes.copy(EnvelopeLayout.chainId))).uint64 else {
            throw .chainIdTooLarge
        }
        return EnvelopeHeader(
            chainId: chainId, bridge: Address(checked: bytes.copy(EnvelopeLayout.bridge)),
            from: Bytes32(checked: bytes.copy(EnvelopeLayout.from)),
            to: Bytes32(checked: bytes.copy(EnvelopeLayout.to)),
            messageId: Bytes32(checked: bytes.copy(EnvelopeLayout.messageId)))
    }

    /// Checks that the key that a signature leads to is the one of the member that the header names.
    ///
    /// One message has one signature: v is 27 or 28 and not its other form 0 or 1, and s is low.
    private static func verify(
        _ bytes: [UInt8], _ header: EnvelopeHeader, payloadHash: Bytes32
    ) throws(EnvelopeError) {
        guard let signature = try? RecoverableSignature(bytes), signature.walletBytes == bytes else {
            throw .badSignature(from: header.from)
        }
        guard signature.isLowS else { throw .malleableSignature }
        guard let signer = try? signature.recover(prehash: header.digest(payloadHash: payloadHash)),
            signer.memberId == header.from
        else { throw .badSignature(from: header.from) }
    }
}

/// The offsets of a signed message's fields, which are fixed.
enum EnvelopeLayout {
    /// What tells a signed message from a plain one.
    static let magic = Array("teebenv".utf8)
    /// The offset of the version, after the magic.
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

/// Why a signed message is refused, or could not be made.
package enum EnvelopeError: UserFacingError, Equatable {
    /// It ends before its payload begins.
    case cutOff(actual: Int, least: Int)
    /// Its version is not the one that is known here.
    case unknownVersion(UInt8)
    /// The chain id needs more than 64 bits.
    case chainIdTooLarge
    /// The signature is none, or not that of the member that the envelope names, or not over this envelope.
    case badSignature(from: Bytes32)
    /// The signature has a second form, and this is the malleable one (high s).
    case malleableSignature
    /// It was made for another member.
    case otherRecipient(named: Bytes32, expected: Bytes32)
    /// It was made for another contract.
    case otherBridge(named: Address, expected: Address)
    /// It was made for another chain.
    case otherChain(named: UInt64, expected: UInt64)
    /// It was signed by a member other than its claimed sender.
    case otherSender(signed: Bytes32, said: Bytes32)
    /// It was delivered before.
    case replayed(messageId: Bytes32)
    /// The system has no randomness for a message id.
    case noRandomness(String)

    package var kind: ErrorCategory {
        if case .noRandomness = self { .serviceFailed } else { .negativeResult }
    }

    package var description: String {
        switch self {
        case .cutOff(let actual, let least):
            "the signed message is cut off: it has \(actual) bytes, but at least \(least) are needed"
        case .unknownVersion(let version):
            "the signed message has the unknown version \(version): it was made by a newer version"
        case .chainIdTooLarge: "the signed message is malformed: its chain id needs more than 64 bits"
        case .badSignature(let from): "the message's signature is invalid: \(from) did not sign this message"
        case .malleableSignature: "the message's signature is malleable: its s is in the upper half"
        case .otherRecipient(let named, let expected):
            "the signed message was made for another recipient: for \(named), not for \(expected)"
        case .otherBridge(let named, let expected):
            "the signed message was made for another bridge: for \(named), not for \(expected)"
        case .otherChain(let named, let expected):
            "the signed message was made for another chain: for \(named), not for \(expected)"
        case .otherSender(let signed, let said):
            "the message names the wrong sender: signed by \(signed), posted as from \(said)"
        case .replayed(let messageId): "the signed message was replayed: \(messageId) was delivered before"
        case .noRandomness(let reason): "no message id could be generated: \(reason)"
        }
    }

    package var hints: [String] {
        switch self {
        case .cutOff, .chainIdTooLarge, .badSignature, .malleableSignature:
            ["it was altered, or ecies-seal did not make it: ask the sender to send it again"]
        case .unknownVersion: ["open it with the version of the programs that sealed it, or a newer one"]
        case .otherRecipient: ["someone other than its sender may have posted it; or is --key the wrong one?"]
        case .otherBridge: ["someone other than its sender may have posted it; or is --bridge the wrong one?"]
        case .otherChain: ["someone other than its sender may have posted it; or is --chain the wrong one?"]
        case .otherSender: ["do not trust it: it was posted in another member's name"]
        case .replayed: ["nothing is lost: it was delivered the first time"]
        case .noRandomness: []
        }
    }
}
