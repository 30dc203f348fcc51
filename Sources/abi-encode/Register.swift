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
            --allow first puts each proof's KMS root and code on the bridge's allow-lists, but only for roots named \
            by --kms-root or KMS_ROOTS: whoever made the proof chose its root.

            --verifier makes requests for the second version of the bridge, which has separate contracts verify \
            proofs; --allow then puts the root on the verifier's allow-list and the verifier on the bridge's.

            EXAMPLE
              proof-fetch https://… | abi-encode register --bridge 0x… | tx-send
              abi-encode register --allow --kms-root phala-base proof.json | tx-send
            """)

    @OptionGroup var bridge: BridgeOption
    @OptionGroup var roots: KMSRootOptions

    @Flag(help: "First allow the KMS root and the code (only the bridge's owner may send that).")
    var allow = false

    @Option(
        help: ArgumentHelp("The dstack verifier contract, for a bridge that uses verifiers.", valueName: "address"),
        transform: { try Address($0) })
    var verifier: Address?

    @Option(
        help: ArgumentHelp("Accept proofs of this app only: 20 bytes of hex.", valueName: "hex"),
        transform: { try Address(hex: $0, prefix: .optional) })
    var appId: Address?

    @Argument(help: "A file of proofs, as JSON; standard input if absent or -.")
    var file: String?

    func run() throws {
        let requests = try BridgeRequests(bridge: bridge.address())
        let trusted = try roots.trusted(ABIEncode.diagnostics)
        let input = try Input(path: file, awaited: DocumentKind.proof.plural, diagnostics: ABIEncode.diagnostics)
        let lists = verifier.map(BridgeRequests.init(bridge:)) ?? requests
        var isVerifierAllowed = verifier == nil
        var allowedRoots: Set<Address> = []
        var allowedCodes: Set<Bytes32> = []
        try input.forEachObject(limit: inputLimit) { json in
            let proof = try checked(Proof(json: Proof.document(in: .object(json)) ?? json), trusted: trusted)
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
enum RegisterError: UserFacingError {
    case untrustedRoot(Address)
    case otherApp(Address)

    var kind: ErrorCategory { .negativeResult }

    var description: String {
        switch self {
        case .untrustedRoot(let root): "the proof comes from KMS root \(root), which you have not named as trusted"
        case .otherApp(let appId): "the proof is for another app, \(Hex.encode(appId.bytes, prefixed: false))"
        }
    }

    var hints: [String] {
        switch self {
        case .untrustedRoot(let root): ["if you have another reason to trust this KMS, use --kms-root \(root)"]
        case .otherApp: ["is it the right proof? --app-id names the only app that is accepted"]
        }
    }
}
