import ArgumentParser
import BridgeClient
import Console
import ECIES
import JSON
import NetworkOptions
import Primitives
import Program
import Secp256k1
import Secrets
import TEEBridge

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

    // Text, and parsed only by sealSigned(with:): the parser would repeat a raw key in its error.
    @Option(
        help: ArgumentHelp(
            "Sign the message with the sending member's key, which is in a SOURCE as --key takes it.",
            valueName: "source"))
    var signWith: String?

    @Flag(help: "Open a sealed message (JSON, hex or bytes) with --key, and print what was sealed.")
    var open = false

    @Option(help: ArgumentHelp("What is printed: json, hex or raw.", valueName: "format"))
    var output: Output = .json

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

    enum Output: String, ExpressibleByArgument, CaseIterable { case json, hex, raw }

    /// The most bytes that are sealed or opened at once.
    static let limit = 1 << 30

    func validate() throws {
        if open, toMember != nil || toPubkey != nil || fromMember != nil || signWith != nil {
            throw ValidationError("--open takes no --to-member, --to-pubkey, --from-member or --sign-with")
        }
        if !open, (toMember == nil) == (toPubkey == nil) {
            throw ValidationError("one of --to-member and --to-pubkey is needed")
        }
        if verification.verify, toMember == nil { throw ValidationError("--verify needs --to-member") }
    }

    func run() throws {
        if open { return try openMessage() }
        if output == .raw { try refuseTerminal() }
        if let signWith { return try sealSigned(with: signWith) }
        let recipient = try recipient()
        try seal(readText(), to: recipient, from: fromMember, toMember: toMember)
    }

    /// The key that the message goes to.
    private func recipient() throws -> PublicKey {
        if let toPubkey { return toPubkey }
        guard let toMember else { throw ValidationError("one of --to-member and --to-pubkey is needed") }
        return try reader().publicKey(of: toMember)
    }

    /// What reads the bridge, as far as the nodes are trusted.
    func reader() throws -> any BridgeReader {
        try verification.reader(
            of: bridge.address(), rpc: rpc, timeout: TimeoutOption.duration(timeout, default: .seconds(30)),
            observer: verbosity.observer(voice)
        ) { voice.warning($0) }
    }

    /// The bytes to seal.
    func readText() throws -> SecretBytes {
        let input = try Input(path: file, awaited: "the bytes to seal", voice: voice)
        return try input.descriptor.readSecret(limit: Self.limit, path: input.path) { byteCount in
            progress.show("\(byteCount >> 20) MiB read")
        }
    }

    /// Seals a text and prints the message.
    func seal(_ text: consuming SecretBytes, to recipient: PublicKey, from: Bytes32?, toMember: Bytes32?) throws {
        progress.show("sealing \(text.count >> 20) MiB")
        let payload = try text.withBytes { try settings.ecies.seal($0, to: recipient) }
        switch output {
        case .json:
            let message = SealedMessage(from: from, to: toMember, payload: payload)
            try Descriptor.standardOutput.writeLine(message.json.compact)
        case .hex: try Descriptor.standardOutput.writeLine(payload.hex)
        case .raw: try Descriptor.standardOutput.write(payload)
        }
    }

    /// Refuses to write bytes to a terminal.
    func refuseTerminal() throws {
        guard !Descriptor.standardOutput.isTerminal else { throw SealError.terminal }
    }
}
