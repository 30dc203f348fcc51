import ABI
import ArgumentParser
import CommandLineTool
import Console
import Dstack
import Failures
import JSON
import Primitives
import TEEBridge
import Transactions

struct Register: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register",
        abstract: "Requests that make the CVMs of proofs members of the bridge.",
        discussion: """
            With --allow, each proof's KMS root and code are put on the bridge's allow-lists first, but only for a \
            root that --kms-root or KMS_ROOTS names: whoever made the proof chose its root.

            With --verifier, the requests are for the second version of the bridge, which leaves the judgement of \
            proofs to contracts of their own; --allow then puts the root on the verifier's allow-list, and the \
            verifier on the bridge's.

            EXAMPLE
              proof-fetch https://… | abi-encode register --bridge 0x… | tx-send
              abi-encode register --allow --kms-root phala-base proof.json | tx-send
            """)

    @OptionGroup var bridge: BridgeOption
    @OptionGroup var roots: KMSRootOptions

    @Flag(help: "Ask for the KMS root and the code to be allowed first (the bridge's owner must send that).")
    var allow = false

    @Option(
        help: ArgumentHelp("The dstack verifier of a bridge that has verifiers.", valueName: "address"),
        transform: { try Address($0) })
    var verifier: Address?

    @Option(
        help: ArgumentHelp("Take proofs of this app alone: 20 bytes of hex.", valueName: "hex"),
        transform: { try Address(hex: $0, prefix: .optional) })
    var appId: Address?

    @Argument(help: "A file of proofs, as JSON; standard input if absent or -.")
    var file: String?

    func run() throws {
        let requests = try BridgeRequests(bridge: bridge.address())
        let trusted = try roots.trusted()
        let input = try Input(path: file, awaited: "proofs", voice: ABIEncode.voice)
        let lists = verifier.map(BridgeRequests.init(bridge:)) ?? requests
        var isVerifierAllowed = verifier == nil
        var allowedRoots: Set<Address> = []
        var allowedCodes: Set<Bytes32> = []
        try input.forEachObject(limit: inputLimit) { json in
            let proof = try checked(Proof(json: json), trusted: trusted)
            return (proof, line: try requests.register(proof, verifier: verifier).json.compact)
        } _: { proof, line in
            if allow {
                if !isVerifierAllowed, let verifier {
                    try emit(requests.verifier(verifier, isAllowed: true))
                    isVerifierAllowed = true
                }
                if allowedRoots.insert(proof.kmsRoot).inserted {
                    try emit(lists.kmsRoot(proof.kmsRoot, isAllowed: true))
                }
                if allowedCodes.insert(proof.codeId).inserted {
                    try emit(requests.code(proof.codeId, isAllowed: true))
                }
            }
            try Descriptor.standardOutput.writeLine(line)
        }
    }

    /// Refuses what the operator did not name: nothing in a proof makes its own root or app trustworthy.
    private func checked(_ proof: Proof, trusted: Set<Address>) throws(RegisterError) -> Proof {
        guard trusted.contains(proof.kmsRoot) || (trusted.isEmpty && !allow) else {
            throw .untrustedRoot(proof.kmsRoot)
        }
        guard appId == nil || appId == proof.chain.appId else { throw .otherApp(proof.chain.appId) }
        return proof
    }
}

/// Why a proof that holds is not registered.
enum RegisterError: Failure {
    case untrustedRoot(Address)
    case otherApp(Address)

    var kind: FailureKind { .answerIsNo }

    var description: String {
        switch self {
        case .untrustedRoot(let root): "the proof comes from the KMS root \(root), which you did not name"
        case .otherApp(let appId): "the proof is of the app \(Hex.encode(appId.bytes, prefixed: false))"
        }
    }

    var hints: [String] {
        switch self {
        case .untrustedRoot(let root): ["if you know from elsewhere that it is a KMS to trust, use --kms-root \(root)"]
        case .otherApp: ["is it the right proof? --app-id names the app whose proofs are taken"]
        }
    }
}
