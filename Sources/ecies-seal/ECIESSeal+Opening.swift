import CommandLineTool
import Console
import ECIES
import Envelope
import NetworkOptions
import Primitives
import Processes
import Secp256k1
import SecretMemory

extension ECIESSeal {
    /// How many bytes a sealed message may have: two digits for each byte, and what a document has besides.
    private static let openLimit = 2 * limit + 1 << 20

    /// Prints the content; of an envelope its payload, if its sender signed it for this reader.
    ///
    /// Without a node, the envelope is held against what is known here: the reader's key, the sender that the message
    /// names, and the bridge and the chain that are set.
    func openMessage() throws {
        try refuseTerminal()
        let key = try keys.load(observer: verbosity.observer(diagnostics))
        let input = try Input(path: file, awaited: DocumentKind.sealedMessage.name, diagnostics: diagnostics)
        progress.show("reading")
        let ecies = settings.ecies
        // What is read becomes the text where it stands; of what is long, on a second processor while it is read.
        var buffer = SecretBuffer()
        var sealed = SealedMessageReader()
        var opening: ECIESDecryptor?
        var openedEnd = 0
        try Worker.with({ (work: (opening: ECIESDecryptor, piece: SecretBuffer.Piece)) in
            work.piece.withMutableBytes { work.opening.open(&$0) }
        }) { worker in
            try input.descriptor.read(
                into: &buffer, limit: Self.openLimit, path: input.path, beforeMoving: worker.wait
            ) { buffer in
                buffer.truncate(to: buffer.withMutableBytes { sealed.advance(&$0) })
                let payload = sealed.payload
                guard payload.upperBound - max(openedEnd, payload.lowerBound) >= Self.pieceByteCount else { return }
                if openedEnd == 0 {
                    // What seems to be a message and is none is refused when all of it was read.
                    opening = buffer.withBytes { bytes in
                        try? ecies.opening(payload.prefix(ecies.overhead).map { bytes[$0] }, with: key)
                    }
                    openedEnd = payload.lowerBound + ecies.overhead
                }
                guard let opening else { return }
                worker.hand((opening, buffer.piece(openedEnd..<payload.upperBound)))
                openedEnd = payload.upperBound
            }
        }
        if sealed.payload.isEmpty, buffer.withBytes({ TextEncoding(leading: $0) }) == .utf16 {
            throw ConsoleError.utf16(path: input.path)
        }
        // With nothing there the program in front has failed; bytes that are too few are a message that does not open.
        let file = input.file
        guard let message = try buffer.withMutableBytes({ try sealed.finish(&$0, file: file) }) else {
            throw file.map { ConsoleError.noBytes(path: $0) } ?? .nothingCameIn
        }
        progress.show("opening \(message.payload.count >> 20) MiB")
        if let opening, message.payload == sealed.payload {
            buffer.withMutableBytes(in: openedEnd..<message.payload.upperBound) { opening.open(&$0) }
            try opening.finish()
        } else {
            try buffer.withMutableBytes(in: message.payload) { try ecies.openInPlace(&$0, with: key) }
        }
        try buffer.withBytes { bytes in
            let text = bytes.extracting(message.payload).extracting(ecies.overhead...)
            guard let header = try Envelope.checkedHeader(of: text) else {
                return try Descriptor.standardOutput.write(text)
            }
            let expectation = EnvelopeExpectation(
                to: key.publicKey.memberId, from: message.from, bridge: try bridge.namedAddress(),
                chainId: try rpc.chainId())
            try expectation.check(header)
            diagnostics.note("signed by \(header.from)")
            try Descriptor.standardOutput.write(text.extracting(Envelope.overhead...))
        }
    }
}
