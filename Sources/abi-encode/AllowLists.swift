import ABI
import ArgumentParser
import CommandLineTool
import Console
import JSON
import Primitives
import TEEBridge

struct AddKMSRoot: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add-kms-root",
        abstract: "A request that allows a KMS root.",
        discussion: example("add-kms-root phala-base"))
    @OptionGroup var bridge: BridgeOption
    @Argument(
        help: "The root: an address, a public key, or phala-base.", completion: .list(KMSRoot.names),
        transform: { try KMSRoot($0) })
    var root: KMSRoot

    func run() throws {
        let root = root.address(ABIEncode.diagnostics)
        try emit(BridgeRequests(bridge: bridge.address()).kmsRoot(root, isAllowed: true))
    }
}

struct RemoveKMSRoot: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove-kms-root",
        abstract: "A request that removes a KMS root from the allow-list.",
        discussion: example("remove-kms-root 0x…"))
    @OptionGroup var bridge: BridgeOption
    @Argument(
        help: "The root: an address, a public key, or phala-base.", completion: .list(KMSRoot.names),
        transform: { try KMSRoot($0) })
    var root: KMSRoot

    func run() throws {
        let root = root.address(ABIEncode.diagnostics)
        try emit(BridgeRequests(bridge: bridge.address()).kmsRoot(root, isAllowed: false))
    }
}

struct AddAllowedCode: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add-allowed-code",
        abstract: "A request that allows a code id.",
        discussion: example(#"add-allowed-code "$APP_ID""#))
    @OptionGroup var bridge: BridgeOption
    @Argument(
        help: "The code id: an app id of 20 bytes of hex, or its 32 bytes.", transform: { try Bytes32(codeId: $0) })
    var code: Bytes32

    func run() throws { try emit(BridgeRequests(bridge: bridge.address()).code(code, isAllowed: true)) }
}

struct RemoveAllowedCode: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove-allowed-code",
        abstract: "A request that removes a code id from the allow-list.",
        discussion: example(#"remove-allowed-code "$APP_ID""#))
    @OptionGroup var bridge: BridgeOption
    @Argument(
        help: "The code id: an app id of 20 bytes of hex, or its 32 bytes.", transform: { try Bytes32(codeId: $0) })
    var code: Bytes32

    func run() throws { try emit(BridgeRequests(bridge: bridge.address()).code(code, isAllowed: false)) }
}

struct AddVerifier: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add-verifier",
        abstract: "A request that allows a verifier, on a bridge that uses verifiers.",
        discussion: example("add-verifier 0x…"))
    @OptionGroup var bridge: BridgeOption
    @Argument(help: "The verifier contract.", transform: { try Address($0) })
    var verifier: Address

    func run() throws { try emit(BridgeRequests(bridge: bridge.address()).verifier(verifier, isAllowed: true)) }
}

struct RemoveVerifier: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove-verifier",
        abstract: "A request that removes a verifier from the allow-list.",
        discussion: example("remove-verifier 0x…"))
    @OptionGroup var bridge: BridgeOption
    @Argument(help: "The verifier contract.", transform: { try Address($0) })
    var verifier: Address

    func run() throws { try emit(BridgeRequests(bridge: bridge.address()).verifier(verifier, isAllowed: false)) }
}

struct AddComposeHash: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add-compose-hash",
        abstract: "A request that allows a compose file's hash in a dstack app contract.",
        discussion: example(#"add-compose-hash --app 0x… "$HASH""#))
    @Option(help: ArgumentHelp("The dstack app contract.", valueName: "address"), transform: { try Address($0) })
    var app: Address
    @Argument(
        help: "The compose hash: 32 bytes of hex, as vmm-cli.py compose prints it, with sha256: or without.",
        transform: { try Bytes32(hex: $0.trimmingPrefix("sha256:"), prefix: .optional) })
    var hash: Bytes32

    func run() throws { try emit(BridgeRequests.composeHash(hash, app: app)) }
}

/// The example of a command of this file.
private func example(_ words: String) -> String { "EXAMPLE\n  abi-encode \(words) | tx-send" }
