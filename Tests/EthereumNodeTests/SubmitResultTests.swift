import EthereumNode
import FakeNode
import Primitives
import Testing

/// What nodes say when they are given a transaction, in the words of each of them.
@Suite struct SubmitResultTests {
    private static let raw: [UInt8] = [2, 1]
    private static let hash = Keccak256.hash(raw)

    private func result(of reply: FakeNode.Reply) throws -> SubmitResult {
        try withFakeNode({ _ in reply }) { _, node in
            SubmitResult(of: Self.raw, hash: Self.hash, waits: false, from: node)
        }
    }

    @Test(arguments: [
        // geth, op-geth, Reth, Erigon, Nethermind, Besu, Hardhat, old geth, zkSync, Anvil, OpenEthereum, Substrate.
        "already known", "ALREADY_EXISTS: already known", "INTERNAL_ERROR: existing tx with same hash", "mined",
        "INTERNAL_ERROR: mined", "AlreadyKnown", "Known transaction", "Known transaction: 0xab",
        "known transaction. transaction with hash 0xab is already in the system", "Tx: [0xab] already Imported",
        "Transaction with the same hash was already imported",
        "submit transaction to pool failed: Pool(AlreadyImported)",
        "transaction already finalized",
    ])
    func `a node that has it already has accepted it`(message: String) throws {
        #expect(try result(of: .error(-32000, message)) == .accepted)
    }

    @Test(arguments: [
        "nonce too low", "nonce too low: next nonce 8, tx nonce 7", "INTERNAL_ERROR: nonce too low",
        "OldNonce, Current nonce: 22, nonce of rejected tx: 17", "OwnNonceAlreadyUsed", "ReplacementNotAllowed",
        "Nonce too low. Expected nonce to be 4 but got 2.", "Transaction nonce is too low. Try incrementing the nonce.",
        "replacement transaction underpriced", "Replacement transaction underpriced", "could not replace existing tx",
        "insufficient gas price to replace existing transaction",
        "There is another transaction with same nonce in the queue.", "future transaction tries to replace pending",
        "failed to forward tx to sequencer, please try again. Error message: 'nonce too low'",
    ])
    func `a nonce that another transaction has is no rule of the node's`(message: String) throws {
        #expect(try result(of: .error(-32000, message)) == .nonceTaken(message))
    }

    @Test(arguments: [
        "txpool is full", "address already reserved", "pending sub-pool is full", "DelegatorHasPendingTx", "Syncing",
        "in-flight transaction limit reached for delegated accounts", "FeeTooLowToCompete", "queue full",
        "Initial sync is still in progress", "NonceGap, Future nonce. Expected nonce: 7",
    ])
    func `a node without room may take it later`(message: String) throws {
        let result = try result(of: .error(-32000, message))
        guard case .postponed = result else { return #expect(Bool(false), "\(result)") }
    }

    @Test(arguments: [
        (-32000, "transaction underpriced: gas tip cap 1, minimum needed 2"),
        (-32010, "FeeTooLow, MaxFeePerGas too low"),
        (-32000, "insufficient funds for gas * price + value: balance 1"),
        (-32010, "InsufficientFunds, Account balance: 0"),
        (-32000, "Sender doesn't have enough funds to send tx"), (-32003, "Intrinsic gas exceeds gas limit"),
        (-32005, "Transaction gas limit exceeds block gas limit"),
        (-32000, "tx fee (1.10 ether) exceeds the configured cap"),
        (-32602, "anything"), (-32000, "Unknown transaction type not supported"), (-32000, "oversized data"),
        (-32000, "nonce too high"), (-32000, "invalid sender"),
        (-32007, "Sender account not authorized to send transactions"),
    ])
    func `a rule is known by its words`(code: Int, message: String) throws {
        let result = try result(of: .error(code, message))
        guard case .rejected = result else { return #expect(Bool(false), "\(result)") }
    }

    @Test(arguments: [
        "context deadline exceeded", "request timed out", "please retry transaction", "internal error", "not set", "",
        "failed to forward tx to sequencer, please try again. Error message: 'EOF'",
    ])
    func `words that say neither leave it open`(message: String) throws {
        let result = try result(of: .error(-32603, message))
        guard case .doubtful = result else { return #expect(Bool(false), "\(result)") }
    }

    @Test(
        "a gateway without a backend may have handed it on before",
        arguments: [
            (-32011, "no backends available"), (-32603, "service temporarily unavailable"), (-32000, "node overloaded"),
        ])
    func outage(code: Int, message: String) throws {
        let result = try result(of: .error(code, message))
        guard case .doubtful = result else { return #expect(Bool(false), "\(result)") }
    }

    @Test func `a rate limit took nothing, unless a revert speaks of one`() throws {
        let limited = try result(of: .error(-32005, "rate limit exceeded"))
        guard case .postponed = limited else { return #expect(Bool(false), "\(limited)") }
        let reverted = try result(of: .error(3, "execution reverted: rate limit exceeded"))
        guard case .rejected = reverted else { return #expect(Bool(false), "\(reverted)") }
    }

    @Test func `only its own hash is its answer`() throws {
        #expect(try result(of: .text(Self.hash.hex)) == .accepted)
        let other = try result(of: .text(Bytes32.zero.hex))
        guard case .doubtful(let reason) = other else { return #expect(Bool(false), "\(other)") }
        #expect(reason.contains(Bytes32.zero.hex))
    }
}
