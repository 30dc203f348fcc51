import CommandLineTool
import Console
import Primitives
import Processes
import SecretMemory

extension ECIESSeal {
    /// The most bytes that are sealed to each of many: a multiple of what a transaction may carry.
    private static let limitForEach = 1 << 20

    /// How many bytes of messages are held at a time.
    private static let batchByteCount = 8 << 20

    /// Seals one text to each member, and prints the messages in the members' order.
    func seal(toEach members: [Member], _ sealer: borrowing Sealer) throws {
        let input = try Input(path: file, awaited: "the bytes to seal", voice: voice)
        let text = try input.descriptor.readSecret(limit: Self.limitForEach, path: input.path)
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
        of text: borrowing SecretBytes, to member: Member, _ sealer: borrowing Sealer
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
