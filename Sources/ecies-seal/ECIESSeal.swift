import ArgumentParser
import BridgeClient
import CommandLineTool
import Console
import ECIES
import Envelope
import NetworkOptions
import Primitives
import Processes
import Secp256k1
import SecretMemory

/// How far a large input has come.
let progress = StatusLine()

@main
struct ECIESSeal: Program {
    static let configuration = CommandConfiguration(
        commandName: "ecies-seal",
        abstract: "Seal bytes to a member's public key, or open what was sealed.",
        discussion: """
            Reads the bytes on standard input or from FILE; they never stand on the command line. The format is \
            eciespy's and eciesjs's.

            That a message opens says nothing of who sealed it. With --sign-with the sending member signs it, for this \
            recipient, bridge and chain alone; inbox-watch and --open check that, and --open says who signed.

            A member's key is the member's whatever a node says, since its hash is the member's id. --verify proves \
            as well that the member is registered, or is not.

            EXAMPLE
              printf %s "$SECRET" | ecies-seal --from-member 0x… --to-member 0x… |
                abi-encode onboard | tx-send
              printf %s "$SECRET" | ecies-seal --sign-with file:member.key --to-member 0x… |
                abi-encode onboard | tx-send
              printf %s "$SECRET" | ecies-seal --from-member 0x… --recipients members.jsonl |
                abi-encode onboard | tx-send
            """,
        version: version)

    @Option(
        help: ArgumentHelp(
            "The member that sends, for the message; with --sign-with, the one whose key it is.", valueName: "id"),
        transform: { try Bytes32(hex: $0) })
    var fromMember: Bytes32?

    @Option(
        help: ArgumentHelp("Seal to this member, whose key is read from the bridge.", valueName: "id"),
        transform: { try Bytes32(hex: $0) })
    var toMember: Bytes32?

    @Option(
        help: ArgumentHelp("Seal to this public key: 33, 64 or 65 bytes of hex.", valueName: "hex"),
        transform: { try PublicKey(Hex.decode($0, prefix: .optional)) })
    var toPubkey: PublicKey?

    @Option(
        name: .customLong("recipients"),
        help: ArgumentHelp(
            "Seal to each member of this file (- is standard input): JSON Lines with member_id, pubkey or both.",
            valueName: "path"))
    var recipientsFile: String?

    // Text, and parsed only by signer(named:isOffline:): the parser would repeat a raw key in its error.
    @Option(
        help: ArgumentHelp(
            "Sign the message with the sending member's key, which is in a SOURCE as --key takes it.",
            valueName: "source"))
    var signWith: String?

    @Flag(help: "Open a sealed message (JSON, hex or bytes) with --key, and print what was sealed.")
    var open = false

    @Option(help: ArgumentHelp("What is printed: json, hex or raw.", valueName: "format"))
    var output: MessageFormat = .json

    @Option(
        help: ArgumentHelp(
            "How long a node may take for an answer, 30 at most. (default: 30) [environment: ETH_TIMEOUT]",
            valueName: "seconds"),
        transform: TimeoutOption.seconds)
    var timeout: Duration?

    @OptionGroup(title: "Other settings of eciespy") var settings: SealSettings
    @OptionGroup var bridge: BridgeOption
    @OptionGroup var rpc: RPCOptions
    @OptionGroup(title: "Nodes that are not trusted") var verification: VerifyOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var verbosity: VerboseOption

    @Argument(help: "A file; standard input if absent or -.")
    var file: String?

    /// The most bytes that are sealed or opened at once.
    static let limit = 1 << 30

    /// From how many bytes on it is worth the while to hand them to another processor.
    static let pieceByteCount = 256 << 10

    func validate() throws {
        let recipients = [toMember != nil, toPubkey != nil, recipientsFile != nil].count { $0 }
        if open, recipients > 0 || fromMember != nil || signWith != nil {
            throw ValidationError(
                "--open takes no --to-member, --to-pubkey, --recipients, --from-member or --sign-with")
        }
        if !open, recipients != 1 { throw ValidationError(Self.neededRecipient) }
        if verification.verify, toMember == nil, recipientsFile == nil {
            throw ValidationError("--verify needs --to-member or --recipients")
        }
        if recipientsFile == "-", file == nil || file == "-" { throw ConsoleError.inputTwice }
        if recipientsFile != nil, output == .raw { throw ValidationError("with --recipients, --output is json or hex") }
    }

    func run() throws {
        if open { return try openMessage() }
        if output == .raw { try refuseTerminal() }
        let recipients = try recipients()
        let reader = try recipients.contains { $0.key == nil } ? reader() : nil
        let sealer = try sealer(reader)
        let members = try members(recipients, reader)
        if recipientsFile != nil { return try seal(toEach: members, sealer) }
        for member in members { try seal(to: member, sealer) }
    }

    /// Who the text is sealed to: one, but for those of --recipients.
    private func recipients() throws -> [Recipient] {
        if let recipientsFile { return try Recipient.read(recipientsFile, voice: voice) }
        // Only a signature names the member that a bare key makes.
        return [Recipient(id: signWith == nil ? toMember : toMember ?? toPubkey?.memberId, key: toPubkey)]
    }

    /// The recipients with their keys, for which the bridge is asked where they are not known.
    private func members(_ recipients: [Recipient], _ reader: (any BridgeReader)?) throws -> [Member] {
        let unknown = recipients.filter { $0.key == nil }.compactMap(\.id)
        var read = try reader?.publicKeys(of: unknown).makeIterator()
        return try recipients.map { recipient in
            guard let key = recipient.key ?? read?.next() else { throw ValidationError(Self.neededRecipient) }
            return Member(id: recipient.id, key: key)
        }
    }

    private static let neededRecipient = "one of --to-member, --to-pubkey and --recipients is needed"

    /// What reads the bridge, as far as the nodes are trusted.
    func reader() throws -> any BridgeReader {
        try verification.reader(
            of: bridge.address(), rpc: rpc, timeout: TimeoutOption.duration(timeout, default: .seconds(30)),
            observer: verbosity.observer(voice)
        ) { voice.warning($0) }
    }

    /// Seals the text, however long, to one recipient, and prints the message.
    ///
    /// A long one is sealed by a second processor while it is read.
    private func seal(to member: Member, _ sealer: borrowing Sealer) throws {
        let input = try Input(path: file, awaited: "the bytes to seal", voice: voice)
        var message = SecretBuffer()
        let sealing = try sealer.sealing(to: member.key)
        var sealedEnd = sealer.overhead
        try Worker.with({ (piece: SecretBuffer.Piece) in piece.withMutableBytes { sealing?.seal(&$0) } }) { worker in
            try input.descriptor.read(
                into: &message, limit: Self.limit, path: input.path, room: sealer.overhead, beforeMoving: worker.wait
            ) { message in
                progress.show("\(message.count >> 20) MiB read")
                guard sealing != nil, message.count - sealedEnd >= Self.pieceByteCount else { return }
                worker.hand(message.piece(sealedEnd..<message.count))
                sealedEnd = message.count
            }
        }
        progress.show("sealing \(message.count >> 20) MiB")
        try message.withMutableBytes { message in
            guard let sealing else { return try sealer.sealInPlace(&message, to: member.key) }
            sealing.seal(&message, from: sealedEnd)
            try sealing.finish(&message)
        }
        message.isSecret = false
        try message.withBytes {
            try output.forEachPiece(of: $0, from: sealer.sender ?? fromMember, to: member.id) {
                try Descriptor.standardOutput.write($0)
            }
        }
    }

    /// Refuses to write bytes to a terminal.
    func refuseTerminal() throws {
        guard !Descriptor.standardOutput.isTerminal else { throw SealError.terminal }
    }
}
