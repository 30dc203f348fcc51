import ArgumentParser
import BridgeClient
import CommandLineTool
import Console
import ECIES
import Envelope
import KeySources
import NetworkOptions
import Primitives
import Processes
import Secp256k1
import SecretMemory
import TEEBridge

/// How far a large input has come.
let progress = StatusLine()

@main
struct ECIESSeal: CommandLineTool {
    static let configuration = CommandConfiguration(
        commandName: "ecies-seal",
        abstract: "Seal bytes to a member's public key, or open what was sealed.",
        discussion: """
            Reads bytes from FILE or standard input, never from the command line. The format is that of eciespy and \
            eciesjs. An empty secret is refused, and so is a message to a member that is larger than the \
            bridge takes (24,576 sealed bytes).

            Anyone can seal a message to a member. --sign-with adds the sending member's signature, valid for this \
            recipient, bridge and chain only; inbox-watch and --open check it, and --open names the signer.

            No node can substitute another key for a member's, since the member id is the key's hash. --verify also \
            proves whether the member is registered.

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
            "The sending member; with --sign-with, the signing key must belong to it.", valueName: "id"),
        transform: { try Bytes32(hex: $0) })
    var fromMember: Bytes32?

    @Option(
        help: ArgumentHelp("Seal to this member, reading its key from the bridge.", valueName: "id"),
        transform: { try Bytes32(hex: $0) })
    var toMember: Bytes32?

    @Option(
        help: ArgumentHelp("Seal to this public key: 33, 64 or 65 bytes of hex.", valueName: "hex"),
        transform: { try PublicKey(hex: $0) })
    var toPubkey: PublicKey?

    @Option(
        name: .customLong("recipients"),
        help: ArgumentHelp(
            "Seal to each member in this file (- means standard input): JSON Lines with member_id, pubkey or both.",
            valueName: "path"))
    var recipientsFile: String?

    // Text, and parsed only by signer(named:isOffline:): the parser would repeat a raw key in its error.
    @Option(
        help: ArgumentHelp(
            "Sign the message with the sending member's key, from a SOURCE as for --key.",
            valueName: "source"), completion: .list(KeySource.prefixes))
    var signWith: String?

    @Flag(help: "Seal a secret that is empty, or nothing but a line end.")
    var allowEmpty = false

    @Flag(help: "Take one line end off the end of the secret.")
    var stripNewline = false

    @Flag(help: "Open a sealed message (JSON, hex or bytes) with --key, and print its content.")
    var open = false

    @Option(help: ArgumentHelp("Output format: json, hex or raw.", valueName: "format"))
    var output: MessageFormat = .json

    @Option(
        help: ArgumentHelp(
            "Time limit for each request to a node, at most 30. (default: 30) [environment: ETH_TIMEOUT]",
            valueName: "time"),
        transform: TimeoutOption.duration(_:))
    var timeout: Duration?

    @OptionGroup(title: "Other eciespy settings") var settings: SealSettings
    @OptionGroup var bridge: BridgeOption
    @OptionGroup var rpc: RPCOptions
    @OptionGroup(title: "Untrusted nodes") var verification: VerifyOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var verbosity: VerboseOption

    @Argument(help: "A file; standard input if absent or -.")
    var file: String?

    /// The most bytes that are sealed or opened at once.
    static let limit = 1 << 30

    /// From how many bytes on it is worth the while to hand them to another processor.
    static let pieceByteCount = 256 << 10

    func validate() throws {
        for (name, isGiven) in [
            ("--to-member", toMember != nil), ("--to-pubkey", toPubkey != nil), ("--recipients", recipientsFile != nil),
            ("--from-member", fromMember != nil), ("--sign-with", signWith != nil), ("--allow-empty", allowEmpty),
            ("--strip-newline", stripNewline),
        ] { try ExclusiveOptions.check(["--open": open, name: isGiven]) }
        try ExclusiveOptions.check([
            "--to-member": toMember != nil, "--to-pubkey": toPubkey != nil, "--recipients": recipientsFile != nil,
        ])
        if !open, toMember == nil, toPubkey == nil, recipientsFile == nil {
            throw ValidationError(Self.neededRecipient)
        }
        if verification.verify, toMember == nil, recipientsFile == nil {
            throw ValidationError("--verify needs --to-member or --recipients")
        }
        if recipientsFile == "-", file == nil || file == "-" { throw ConsoleError.inputTwice }
        if recipientsFile != nil, output == .raw {
            throw ValidationError("with --recipients, --output must be json or hex")
        }
    }

    func run() throws {
        if open { return try openMessage() }
        if output == .raw { try refuseTerminal() }
        let recipients = try recipients()
        let reader = try recipients.contains { $0.key == nil } ? reader() : nil
        let sealer = try sealer(reader)
        let members = try members(recipients, reader)
        let limit = try payloadLimit(for: members)
        if recipientsFile != nil { return try seal(toEach: members, sealer, limit) }
        for member in members { try seal(to: member, sealer, limit) }
    }

    /// Who the text is sealed to: one, but for those of --recipients.
    private func recipients() throws -> [Recipient] {
        if let recipientsFile { return try Recipient.read(recipientsFile, diagnostics: diagnostics) }
        // Only a signature names the member that a bare key makes.
        return [Recipient(id: signWith == nil ? toMember : toMember ?? toPubkey?.memberId, key: toPubkey)]
    }

    /// The recipients with their keys; missing keys are read from the bridge.
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
            observer: verbosity.observer(diagnostics)
        ) { diagnostics.warning($0) }
    }

    /// Seals the text, however long, to one recipient, and prints the message.
    ///
    /// A long one is sealed by a second processor while it is read.
    private func seal(to member: Member, _ sealer: borrowing MessageSealer, _ limit: PayloadLimit?) throws {
        let input = try Input(path: file, awaited: "the bytes to seal", diagnostics: diagnostics)
        var message = SecretBuffer()
        let sealing = try sealer.sealing(to: member.key)
        var sealedEnd = sealer.overhead
        try Worker.with({ (piece: SecretBuffer.Piece) in piece.withMutableBytes { sealing?.seal(&$0) } }) { worker in
            try input.descriptor.read(
                into: &message, limit: Self.limit, path: input.path, room: sealer.overhead, beforeMoving: worker.wait
            ) { message in
                progress.show("\(message.count >> 20) MiB read")
                let end = message.count - mostStripped
                guard sealing != nil, end - sealedEnd >= Self.pieceByteCount else { return }
                worker.hand(message.piece(sealedEnd..<end))
                sealedEnd = end
            }
        }
        try finish(&message, after: sealer.overhead, from: input.path)
        try limit?.check(message.count, overhead: sealer.overhead)
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
