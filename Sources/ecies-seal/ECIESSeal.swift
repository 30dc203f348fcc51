import ArgumentParser
import BridgeClient
import Console
import ECIES
import Failures
import JSON
import Keys
import NetworkOptions
import Primitives
import Program
import Secp256k1
import Secrets
import TEEBridge

@main
struct ECIESSeal: Program {
    static let configuration = CommandConfiguration(
        commandName: "ecies-seal",
        abstract: "Seal bytes to a member's public key, or open what was sealed.",
        discussion: """
            Reads the bytes on standard input or from FILE; they never stand on the command line. The format is \
            eciespy's and eciesjs's.

            A member's key is the member's whatever a node says, since its hash is the member's id. --verify proves \
            as well that the member is registered, or is not.

            EXAMPLE
              printf %s "$SECRET" | ecies-seal --from-member 0x… --to-member 0x… | abi-encode onboard | tx-send
            """,
        version: version)

    @Option(
        help: ArgumentHelp("The member that sends, for the message; its key is not needed.", valueName: "id"),
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

    @Flag(help: "Open a sealed message (JSON, hex or bytes) with --key, and print what was sealed.")
    var open = false

    @Option(help: ArgumentHelp("What is printed: json, hex or raw.", valueName: "format"))
    var output: Output = .json

    @OptionGroup(title: "Other settings of eciespy") var settings: SealSettings
    @OptionGroup var bridge: BridgeOption
    @OptionGroup var rpc: RPCOptions
    @OptionGroup(title: "Nodes that are not trusted") var verification: VerifyOptions
    @OptionGroup var keys: KeyOptions

    @Argument(help: "A file; standard input if absent or -.")
    var file: String?

    enum Output: String, ExpressibleByArgument, CaseIterable { case json, hex, raw }

    /// The most bytes that are sealed or opened at once.
    private static let limit = 1 << 30

    func validate() throws {
        if open, toMember != nil || toPubkey != nil || fromMember != nil {
            throw ValidationError("--open takes no --to-member, --to-pubkey or --from-member")
        }
        if !open, (toMember == nil) == (toPubkey == nil) {
            throw ValidationError("one of --to-member and --to-pubkey is needed")
        }
        if verification.verify, toMember == nil { throw ValidationError("--verify needs --to-member") }
    }

    func run() throws { try open ? openMessage() : sealMessage() }

    private func sealMessage() throws {
        if output == .raw { try refuseTerminal() }
        let recipient = try recipient()
        let input = try Input(path: file, awaited: "the bytes to seal", voice: voice)
        let text = try input.descriptor.readSecret(limit: Self.limit, path: input.path)
        let payload = try text.withBytes { try settings.ecies.seal($0, to: recipient) }
        switch output {
        case .json:
            let message = SealedMessage(from: fromMember, to: toMember, payload: payload)
            try Descriptor.standardOutput.writeLine(message.json.compact)
        case .hex: try Descriptor.standardOutput.writeLine(payload.hex)
        case .raw: try Descriptor.standardOutput.write(payload)
        }
    }

    /// The key that the message goes to.
    private func recipient() throws -> PublicKey {
        if let toPubkey { return toPubkey }
        guard let toMember else { throw ValidationError("one of --to-member and --to-pubkey is needed") }
        let reader = try verification.reader(of: bridge.address(), rpc: rpc) { voice.warning($0) }
        return try reader.publicKey(of: toMember)
    }

    private func openMessage() throws {
        try refuseTerminal()
        let key = try keys.load()
        let input = try Input(path: file, awaited: "a sealed message", voice: voice)
        let payload = try Self.payload(input.readAll(limit: 2 * Self.limit))
        let text = try settings.ecies.open(payload.span, with: key)
        try text.withBytes { try Descriptor.standardOutput.write($0) }
    }

    /// The sealed bytes of a document, of hex, or as they are: a sealed message begins with 02, 03 or 04, which is
    /// neither a digit nor a brace.
    private static func payload(_ input: [UInt8]) throws -> [UInt8] {
        if let first = input.first, 0x02...0x04 ~= first { return input }
        let text = input.drop { " \t\r\n".utf8.contains($0) }
        switch text.first {
        case UInt8(ascii: "{"):
            guard let object = try JSONParser.parse(text).object else { throw JSONError.notAnObject(line: 1) }
            return try SealedMessage(json: object).payload
        default:
            var digits = text
            while let last = digits.last, " \t\r\n".utf8.contains(last) { digits = digits.dropLast() }
            return try Hex.decode(String(decoding: digits, as: UTF8.self), prefix: .optional)
        }
    }

    private func refuseTerminal() throws {
        guard !Descriptor.standardOutput.isTerminal else { throw SealError.terminal }
    }
}

/// The settings in which eciespy's messages may differ from its default.
struct SealSettings: ParsableArguments {
    @Flag(help: "The ephemeral key in the message has 33 bytes.")
    var ephemeralCompressed = false

    @Flag(help: "The points that the key is derived from have 33 bytes.")
    var hkdfCompressed = false

    @Option(help: ArgumentHelp("The nonce has 16 bytes, or 12.", valueName: "n"))
    var nonceLength: Int = 16

    func validate() throws {
        guard ECIES.NonceLength(rawValue: nonceLength) != nil else {
            throw ValidationError("--nonce-length is 12 or 16")
        }
    }

    var ecies: ECIES {
        ECIES(
            ephemeralCompressed: ephemeralCompressed, derivationCompressed: hkdfCompressed,
            nonceLength: ECIES.NonceLength(rawValue: nonceLength) ?? .sixteen)
    }
}

/// Why nothing was printed.
enum SealError: Failure {
    case terminal

    var kind: FailureKind { .badInput }
    var description: String { "the output is bytes, and standard output is a terminal" }
    var hints: [String] { ["redirect it to a file or a program"] }
}
