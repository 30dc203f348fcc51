import Console
import ECIES
import Envelope
import NetworkOptions
import Program
import Secp256k1
import Secrets

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
        let ecies = settings.ecies
        // What is read becomes the text where it stands.
        var buffer = try input.descriptor.readBuffer(limit: 2 * Self.limit, path: input.path)
        // With nothing there the program in front has failed; bytes that are too few are a message that does not open.
        guard let message = try buffer.withMutableBytes({ try SealedText(in: &$0) }) else {
            throw ConsoleError.empty(path: input.path, awaited: "sealed bytes")
        }
        progress.show("opening \(message.payload.count >> 20) MiB")
        try buffer.withMutableBytes(in: message.payload) { try ecies.openInPlace(&$0, with: key) }
        try buffer.withBytes { bytes in
            let text = bytes.extracting(message.payload).extracting(ecies.overhead...)
            guard let header = try Envelope.checkedHeader(of: text) else {
                return try Descriptor.standardOutput.write(text)
            }
            let expectation = EnvelopeExpectation(
                to: key.publicKey.memberId, from: message.from, bridge: try bridge.namedAddress(),
                chainId: try rpc.chainId())
            try expectation.check(header)
            voice.note("signed by \(header.from)")
            try Descriptor.standardOutput.write(text.extracting(Envelope.overhead...))
        }
    }
}
