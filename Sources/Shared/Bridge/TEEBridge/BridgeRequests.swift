package import ABI
package import Dstack
package import Primitives
import Secp256k1
package import Transactions

/// The transactions that people ask of a TEEBridge, each with the question whose answer makes it needless.
package struct BridgeRequests: Sendable {
    /// The contract.
    package let bridge: Address

    package init(bridge: Address) { self.bridge = bridge }

    /// Makes a proof's CVM a member, unless it is one.
    ///
    /// - Parameter verifier: the verifier contract that is to judge the proof (v2); nil for a bridge that does so
    ///   itself (v1).
    /// - Throws: `ABIError` if the proof has a purpose or path too long to encode.
    package func register(_ proof: Proof, verifier: Address? = nil) throws(ABIError) -> TransactionRequest {
        let chain = proof.chain
        let values: [ABIValue] = [
            .word(proof.codeId),
            .tuple([
                .word(Proof.messageHash), .bytes(proof.messageSignature.walletBytes),
                .bytes(chain.appSignature.bytes), .bytes(chain.kmsSignature.bytes),
                .bytes(chain.derivedKey.compressed), .bytes(chain.appKey.compressed), .string(chain.purpose),
            ]),
        ]
        guard let verifier else {
            return try request(
                TEEBridge.registerDstack, values, unless: TEEBridge.isMember, .word(proof.memberId), is: true)
        }
        let encoded = try ABI.encode(values, as: TEEBridge.verifierProof)
        return try request(
            TEEBridge.register, [.address(verifier), .bytes(encoded)], unless: TEEBridge.isMember,
            .word(proof.memberId), is: true)
    }

    /// Posts a sealed message; the contract checks that both are members, but not who sends.
    ///
    /// - Throws: `ABIError` if the payload is too long to encode.
    package func onboard(from sender: Bytes32, to recipient: Bytes32, payload: [UInt8]) throws(ABIError)
        -> TransactionRequest
    {
        let data = try TEEBridge.onboard.encodeCall([.word(sender), .word(recipient), .bytes(payload)])
        return TransactionRequest(label: TEEBridge.onboard.name, to: bridge, data: data)
    }

    /// Puts a verifier contract on the allow-list, or takes it off (v2).
    ///
    /// - Throws: `ABIError`, which no address causes.
    package func verifier(_ verifier: Address, isAllowed: Bool) throws(ABIError) -> TransactionRequest {
        try request(
            isAllowed ? TEEBridge.addVerifier : TEEBridge.removeVerifier, [.address(verifier)],
            unless: TEEBridge.allowedVerifiers, .address(verifier), is: isAllowed)
    }

    /// Puts a KMS root on the allow-list, or takes it off; in v2 the list is that of the verifier, not of the bridge.
    ///
    /// - Throws: `ABIError`, which no address causes.
    package func kmsRoot(_ root: Address, isAllowed: Bool) throws(ABIError) -> TransactionRequest {
        try request(
            isAllowed ? TEEBridge.addKmsRoot : TEEBridge.removeKmsRoot, [.address(root)],
            unless: TEEBridge.allowedKmsRoots, .address(root), is: isAllowed)
    }

    /// Puts a code id on the allow-list, or takes it off.
    ///
    /// - Throws: `ABIError`, which no code id causes.
    package func code(_ codeId: Bytes32, isAllowed: Bool) throws(ABIError) -> TransactionRequest {
        try request(
            isAllowed ? TEEBridge.addAllowedCode : TEEBridge.removeAllowedCode, [.word(codeId)],
            unless: TEEBridge.allowedCode, .word(codeId), is: isAllowed)
    }

    /// Allows a compose file's hash in a dstack app contract; the bridge has no part in it.
    ///
    /// - Throws: `ABIError`, which no hash causes.
    package static func composeHash(_ hash: Bytes32, app: Address) throws(ABIError) -> TransactionRequest {
        try BridgeRequests(bridge: app).request(
            TEEBridge.addComposeHash, [.word(hash)], unless: TEEBridge.allowedComposeHashes, .word(hash), is: true)
    }

    private func request(
        _ function: ABIFunction, _ arguments: [ABIValue], unless question: ABIFunction, _ subject: ABIValue,
        is answer: Bool
    ) throws(ABIError) -> TransactionRequest {
        TransactionRequest(
            label: function.name, to: bridge, data: try function.encodeCall(arguments),
            unless: TransactionRequest.Precondition(
                to: bridge, data: try question.encodeCall([subject]),
                equals: try ABI.encode([.bool(answer)], as: [.bool])))
    }
}

extension Bytes32 {
    /// A code id in hex, with 0x or without: 32 bytes, or an app id of 20, behind which 12 zero bytes go.
    ///
    /// - Throws: `PrimitiveError`.
    package init(codeId text: String) throws(PrimitiveError) {
        let lengths = [Address.byteCount, Self.byteCount].map { 2 * $0 }
        let digits = text.trimmingPrefix("0x").utf8.count
        guard lengths.contains(digits) else { throw .wrongDigitCount(expected: lengths, actual: digits) }
        let bytes = try Hex.decode(text, prefix: .optional)
        try self.init(bytes + [UInt8](repeating: 0, count: Self.byteCount - bytes.count))
    }
}
