import CommandLineTool
import Console
import Failures
import Primitives
import SecretMemory
import TEEBridge

extension ECIESSeal {
    /// How many bytes at the end of a secret may yet be taken off.
    var mostStripped: Int { stripNewline ? 2 : 0 }

    /// Takes the line end off a secret that was read to its end, if that is asked for, and refuses one that is empty.
    ///
    /// - Parameters:
    ///   - secret: holds the secret after `room` other bytes.
    ///   - path: what the input is called in an error.
    /// - Throws: ``SealError/empty(path:hasLineEnd:)``.
    func finish(_ secret: inout SecretBuffer, after room: Int, from path: String) throws(SealError) {
        let (lineEnd, isOnlyOne) = secret.withBytes { Self.lineEnd(of: $0.extracting(room...)) }
        let end = secret.count - lineEnd
        guard end > room || allowEmpty else { throw .empty(path: path, hasLineEnd: lineEnd > 0) }
        if stripNewline {
            secret.truncate(to: end)
        } else if isOnlyOne, Descriptor.standardError.isTerminal {
            diagnostics.hint("the secret ends in a line end: printf %s adds none, and --strip-newline takes it off")
        }
    }

    /// How many bytes the line end has that a text ends in, 0 if it ends in none; and whether that is the only one.
    private static func lineEnd(of text: Span<UInt8>) -> (byteCount: Int, isOnlyOne: Bool) {
        let last = text.extracting(last: 3)
        let end = last.indices.map { last[$0] }
        guard end.last == UInt8(ascii: "\n") else { return (0, false) }
        let rest = end.dropLast()
        let byteCount = rest.last == UInt8(ascii: "\r") ? 2 : 1
        return (byteCount, end.dropLast(byteCount).last != UInt8(ascii: "\n"))
    }

    /// The bridge's limit, where messages go to one: it gets documents alone, and those that name their recipient.
    func payloadLimit(for members: [Member]) throws -> PayloadLimit? {
        guard output == .json, members.contains(where: { $0.id != nil }) else { return nil }
        return PayloadLimit(of: try bridge.namedAddress())
    }
}
