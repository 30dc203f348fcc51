import CommandLineTool
import Console
import Envelope
import JSON
import Primitives
import Processes
import Secp256k1
import SecretMemory
import TEEBridge

/// Somebody to seal to, as the user says it: a member, a key, or both.
struct Recipient {
    /// The member's id; nil if it is not to stand in the message's document.
    let id: Bytes32?
    /// The key; nil where the bridge knows it.
    let key: PublicKey?
}

extension Recipient {
    /// The most recipients that a file may have.
    private static let limit = 100_000
    /// The most bytes that one of them may have, or an array of them.
    private static let byteLimit = 64 << 20

    /// The recipients in a file, in its order.
    ///
    /// - Throws: ``ConsoleError``, ``JSONError``, ``SealError``.
    static func read(_ path: String, diagnostics: Diagnostics) throws -> [Recipient] {
        let input = try Input(path: path, awaited: DocumentKind.recipient.plural, diagnostics: diagnostics)
        var recipients: [Recipient] = []
        try input.forEachObject(limit: byteLimit, parse: Recipient.init(json:)) {
            guard recipients.count < limit else { throw SealError.tooManyRecipients(limit: limit) }
            recipients.append($0)
        }
        return recipients
    }

    /// - Parameter json: `{"member_id":"0x…","pubkey":"0x…"}`, of which one may be absent; other members are
    ///   ignored, so that a proof names a recipient as well.
    /// - Throws: ``JSONError``; ``SealError/foreignKey(line:member:)`` for a key that is not the member's.
    init(json: JSONObject) throws {
        let named = try json.optionalParsed("member_id", as: "a member id, 32 bytes of hex") {
            text throws(PrimitiveError) in try Bytes32(hex: text)
        }
        key = try json.optionalParsed("pubkey", as: "a public key") { text in
            try PublicKey(hex: text)
        }
        id = named ?? key?.memberId
        guard let id else { throw JSONError.missingMember(line: json.line, member: "member_id") }
        if let key, key.memberId != id { throw SealError.foreignKey(line: json.line, member: id) }
    }
}

/// Somebody to seal to, whose key is known.
struct Member {
    /// The id in the message's document, if there is one.
    let id: Bytes32?
    /// The key.
    let key: PublicKey
}

extension ECIESSeal {
    /// The most bytes that are sealed to each of many: a multiple of what a transaction may carry.
    private static let limitForEach = 1 << 20

    /// How many bytes of messages are held at a time.
    private static let batchByteCount = 8 << 20

    /// Seals one text to each member, and prints the messages in the members' order.
    func seal(toEach members: [Member], _ sealer: borrowing MessageSealer, _ limit: PayloadLimit?) throws {
        let input = try Input(path: file, awaited: "the bytes to seal", diagnostics: diagnostics)
        var buffer = SecretBuffer()
        try input.descriptor.read(into: &buffer, limit: Self.limitForEach, path: input.path)
        try finish(&buffer, after: 0, from: input.path)
        let text = buffer.finish()
        try limit?.check(sealer.overhead + text.count, overhead: sealer.overhead)
        let batchCount = max(Self.batchByteCount / (sealer.overhead + text.count), 1)
        for start in stride(from: 0, to: members.count, by: batchCount) {
            progress.show("\(start) of \(members.count) sealed")
            let batch = Array(members[start..<min(start + batchCount, members.count)])
            let lines = try batch.mapInParallel { member in try line(of: text, to: member, sealer) }
            try Descriptor.standardOutput.write(Array(lines.joined()))
        }
    }

    /// The message's line.
    private func line(
        of text: borrowing SecretBytes, to member: Member, _ sealer: borrowing MessageSealer
    ) throws -> [UInt8] {
        let overhead = sealer.overhead
        let message = try SecretBytes(count: overhead + text.count) { message in
            text.withBytes { for index in $0.indices { message[overhead + index] = $0[index] } }
            try sealer.sealInPlace(&message, to: member.key)
        }
        var line: [UInt8] = []
        message.withBytes {
            output.forEachPiece(of: $0, from: sealer.sender ?? fromMember, to: member.id) { piece in
                for index in piece.indices { line.append(piece[index]) }
            }
        }
        return line
    }
}
