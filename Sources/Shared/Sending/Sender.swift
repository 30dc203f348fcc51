import ABI
import JSONRPC
package import Node
package import Primitives
import Retrying
package import Secp256k1
import TEEBridge
package import Transactions

/// Signs requests with one key, sends them, and waits until they are in blocks.
package final class Sender {
    /// How requests are sent.
    package struct Policy: Sendable {
        /// Which block of the chain counts a transaction as done: 1 is the one that it is in.
        package var confirmations: UInt64
        /// How long a transaction is waited for.
        package var timeout: Duration
        /// The chain that the operator named; any, if nil.
        package var chainId: UInt64?

        package init(confirmations: UInt64, timeout: Duration, chainId: UInt64?) {
            self.confirmations = confirmations
            self.timeout = timeout
            self.chainId = chainId
        }
    }

    private let key: SecretKey
    private let policy: Policy
    private let makeNode: () throws -> Node
    private var madeNode: Node?
    /// The nonce after those that this run has used.
    private var nextNonce: UInt64 = 0

    /// - Parameter makeNode: gives the node; not called where nothing need be asked, and at most once.
    package init(key: consuming SecretKey, policy: Policy, makeNode: @escaping () throws -> Node) {
        self.key = key
        self.policy = policy
        self.makeNode = makeNode
    }

    private func node() throws -> Node {
        if let madeNode { return madeNode }
        let node = try makeNode()
        madeNode = node
        return node
    }

    /// Sends a request and waits for its outcome.
    ///
    /// - Parameter onSent: called with the hash as soon as the transaction may be on its way, before the wait.
    /// - Returns: the record: success, reverted, skipped, or pending if the time was up.
    /// - Throws: ``SendError``, `NodeError`: nothing was sent, but for those whose kind is `outcomeUnknown`.
    package func send(_ request: TransactionRequest, onSent: (Bytes32) -> Void) throws -> SentRecord {
        switch try prepare(request, checksFunds: true) {
        case .needless: return SentRecord(request, .skipped)
        case .reverts(let data): return reverted(request, with: data)
        case .ready(let transaction):
            let signed = transaction.signed(by: key)
            try submit(signed, onSent: onSent)
            nextNonce = transaction.nonce &+ 1
            return try outcome(of: signed, request)
        }
    }

    /// Signs a request and sends nothing.
    ///
    /// - Returns: the record, with the signed bytes: signed, skipped, or reverted if it would revert.
    package func sign(_ request: TransactionRequest) throws -> SentRecord {
        switch try prepare(request, checksFunds: false) {
        case .needless: return SentRecord(request, .skipped)
        case .reverts(let data): return reverted(request, with: data)
        case .ready(let transaction):
            let signed = transaction.signed(by: key)
            nextNonce = transaction.nonce &+ 1
            var record = SentRecord(request, .signed)
            record.transactionHash = signed.hash
            record.raw = signed.raw
            return record
        }
    }

    /// Asks what a request would do and cost, and signs and sends nothing.
    ///
    /// - Returns: the record: simulated, skipped, or reverted if it would revert.
    package func simulate(_ request: TransactionRequest) throws -> SentRecord {
        switch try prepare(request, checksFunds: true) {
        case .needless: return SentRecord(request, .skipped)
        case .reverts(let data): return reverted(request, with: data)
        case .ready(let transaction):
            var record = SentRecord(request, .simulated)
            record.estimate = (transaction.gasLimit, (try? Quantity(transaction.maxCost)) ?? .zero)
            return record
        }
    }

    private func prepare(_ request: TransactionRequest, checksFunds: Bool) throws -> Preparation {
        try Preparer(sender: key.address, chainId: policy.chainId, checksFunds: checksFunds)
            .prepare(request, leastNonce: nextNonce, asking: node)
    }

    private func reverted(_ request: TransactionRequest, with data: [UInt8]) -> SentRecord {
        var record = SentRecord(request, .reverted)
        record.revert = TEEBridge.answers.decodeRevert(data)
        record.revertBytes = data
        return record
    }

    /// Hands the transaction over; returns once it may be on its way.
    private func submit(_ signed: SignedTransaction, onSent: (Bytes32) -> Void) throws {
        let node = try node()
        do throws(NodeError) {
            let hash = try node.ask(.send(raw: signed.raw))
            onSent(signed.hash)
            guard hash == signed.hash else { throw NodeError.otherTransaction(expected: signed.hash, actual: hash) }
        } catch {
            switch error {
            case .failed(.response(_, let message, _)):
                guard Self.isKnown(message) else { throw SendError.rejected(message: message) }
                onSent(signed.hash)
            case .failed(let failure) where !failure.mayHaveBeenSent: throw error
            case .otherTransaction: throw error
            // The answer was lost or is nonsense: only the chain can tell whether the transaction arrived.
            default: onSent(signed.hash)
            }
        }
    }

    /// Whether a node refuses a transaction because it has it already.
    private static func isKnown(_ message: String) -> Bool {
        let text = message.lowercased()
        return text.contains("already known") || text.contains("known transaction") || text.contains("already imported")
    }

    /// Waits for the transaction's block, and for the blocks that confirm it.
    private func outcome(of signed: SignedTransaction, _ request: TransactionRequest) throws -> SentRecord {
        let deadline = ContinuousClock.now + policy.timeout
        var pause = Duration.milliseconds(50)
        while true {
            if let receipt = confirmedReceipt(of: signed.hash) {
                return try record(of: receipt, signed, request)
            }
            guard ContinuousClock.now < deadline else {
                var record = SentRecord(request, .pending)
                record.transactionHash = signed.hash
                return record
            }
            sleep(for: min(pause, deadline - ContinuousClock.now))
            pause = min(pause * 1.5, .seconds(2))
        }
    }

    /// The receipt, once it has its confirmations. A node that fails now is asked again: the transaction is sent.
    private func confirmedReceipt(of hash: Bytes32) -> Receipt? {
        var batch = NodeBatch()
        let receiptTicket = batch.add(.receipt(of: hash))
        let headTicket = batch.add(.blockNumber)
        guard let answers = try? node().ask(batch), let receipt = try? answers.answer(to: receiptTicket),
            let head = try? answers.answer(to: headTicket),
            // Nodes behind a balancer may differ by a block: a receipt is its own first confirmation.
            max(head, receipt.blockNumber) - receipt.blockNumber >= max(policy.confirmations, 1) - 1
        else { return nil }
        return receipt
    }

    private func record(
        of receipt: Receipt, _ signed: SignedTransaction, _ request: TransactionRequest
    ) throws -> SentRecord {
        guard receipt.transactionHash == signed.hash else {
            throw SendError.wrongReceipt(expected: signed.hash, actual: receipt.transactionHash)
        }
        var record = SentRecord(request, receipt.isSuccess ? .success : .reverted)
        record.transactionHash = signed.hash
        record.receipt = receipt
        if !receipt.isSuccess, let data = revertData(of: signed, in: receipt.blockNumber) {
            record.revert = TEEBridge.answers.decodeRevert(data)
            record.revertBytes = data
        }
        return record
    }

    /// What the transaction reverted with: receipts do not say, so the call is tried again around its block.
    private func revertData(of signed: SignedTransaction, in block: UInt64) -> [UInt8]? {
        let transaction = signed.transaction
        let call = CallRequest(
            from: signed.sender, to: transaction.to, data: transaction.data, value: transaction.value)
        for number in [block, block &- 1] {
            if case .reverted(let data)? = try? node().ask(.call(call, at: .number(number))) { return data }
        }
        return nil
    }
}
