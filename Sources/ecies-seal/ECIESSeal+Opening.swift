import Console
import ECIES
import Envelope
import JSON
import NetworkOptions
import Primitives
import Program
import Secp256k1
import Secrets
import TEEBridge

extension ECIESSeal {
    /// Prints what was sealed; of an envelope its payload, if its sender signed it for this reader.
    ///
    /// Without a node, the envelope is held against what is known here: the reader's key, the sender that the message
    /// names, and the bridge and the chain that are set.
    func openMessage() throws {
        try refuseTerminal()
        let key = try keys.load(observer: verbosity.observer(voice))
        let input = try Input(path: file, awaited: "a sealed message", voice: voice)
        progress.show("reading")
        let bytes = try input.readAll(limit: 2 * Self.limit)
        // The program in front has failed; bytes that are too few are a message that does not open.
        guard !bytes.allSatisfy(Self.space.contains) else {
            throw ConsoleError.empty(path: input.path, awaited: "sealed bytes")
        }
        progress.show("opening \(bytes.count >> 20) MiB")
        let message = try Self.message(bytes)
        let text = try settings.ecies.open(message.payload.span, with: key)
        guard let envelope = try Envelope.parse(text) else {
            return try text.withBytes { try Descriptor.standardOutput.write($0) }
        }
        let expectation = EnvelopeExpectation(
            to: key.publicKey.memberId, from: message.from, bridge: try bridge.namedAddress(),
            chainId: try rpc.chainId())
        try expectation.check(envelope.header)
        voice.note("signed by \(envelope.header.from)")
        let payload = envelope.takePayload()
        try payload.withBytes { try Descriptor.standardOutput.write($0) }
    }

    private static let space = Array(" \t\r\n".utf8)

    /// The message that a document is, or hex, or bytes as they are: a sealed message begins with 02, 03 or 04, which
    /// is neither a digit nor a brace.
    private static func message(_ input: [UInt8]) throws -> SealedMessage {
        if let first = input.first, 0x02...0x04 ~= first { return SealedMessage(from: nil, to: nil, payload: input) }
        let text = input.drop(while: space.contains)
        switch text.first {
        case UInt8(ascii: "{"):
            guard let object = try JSONParser.parse(text).object else { throw JSONError.notAnObject(line: 1) }
            return try SealedMessage(json: object)
        default:
            var digits = text
            while let last = digits.last, space.contains(last) { digits = digits.dropLast() }
            let payload = try Hex.decode(String(decoding: digits, as: UTF8.self), prefix: .optional)
            return SealedMessage(from: nil, to: nil, payload: payload)
        }
    }
}
