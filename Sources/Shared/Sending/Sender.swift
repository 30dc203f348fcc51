import ABI
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
        /// The most that a unit of gas may cost, in wei; nil for no limit.
        package var maxFee: Quantity?

        package init(confirmations: UInt64, timeout: Duration, chainId: UInt64?, maxFee: Quantity? = nil) {
            self.confirmations = confirmations
            self.timeout = timeout
            self.chainId = chainId
            self.maxFee = maxFee
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
    /// - Parameter onSent: called with the hash as soon as the transaction may be on its way, before the wait, and
    ///   with the reason if the node's answer leaves open whether it is.
    /// - Returns: the record: success, reverted, skipped, or pending, with the reason, if the time was up.
    /// - Throws: ``SendError``, `NodeError`: this request was not sent.
    package func send(_ request: TransactionRequest, onSent: (Bytes32, String?) -> Void) throws -> SentRecord {
        switch try prepare(request, checksFunds: true) {
        case .needless: return SentRecord(request, .skipped)
        case .reverts(let data): return reverted(request, with: data)
        case .ready(let transaction):
            let signed = transaction.signed(by: key)
            let submission = try Submission(of: signed, to: node())
            onSent(signed.hash, submission.doubt)
            nextNonce = transaction.nonce &+ 1
            return outcome(of: signed, request, after: submission)
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
        switch try prepare(request, checksFunds: true, triesAlways: true) {
        case .needless: return SentRecord(request, .skipped)
        case .reverts(let data): return reverted(request, with: data)
        case .ready(let transaction):
            var record = SentRecord(request, .simulated)
            record.estimate = (transaction.gasLimit, (try? Quantity(transaction.maxCost)) ?? .zero)
            return record
        }
    }

    private func prepare(
        _ request: TransactionRequest, checksFunds: Bool, triesAlways: Bool = false
    ) throws -> Preparation {
        let preparer = Preparer(
            sender: key.address, chainId: policy.chainId, checksFunds: checksFunds, triesAlways: triesAlways,
            maxFee: policy.maxFee)
        return try preparer.prepare(request, leastNonce: nextNonce, asking: node)
    }

    private func reverted(_ request: TransactionRequest, with data: [UInt8]) -> SentRecord {
        var record = SentRecord(request, .reverted)
        record.revert = TEEBridge.answers.decodeRevert(data)
        record.revertBytes = data
        return record
    }

    /// Waits for the transaction's block, and for the blocks that confirm it.
    private func outcome(
        of signed: SignedTransaction, _ request: TransactionRequest, after submission: Submission
    ) -> SentRecord {
        let deadline = ContinuousClock.now + policy.timeout
        var pause = Duration.milliseconds(50)
        var pending = SentRecord(request, .pending)
        pending.transactionHash = signed.hash
        while true {
            switch look(for: signed.hash) {
            case .confirmed(let receipt): return record(of: receipt, signed, request)
            case .unconfirmed(let receipt, let reason): (pending.receipt, pending.doubt) = (receipt, reason)
            case .absent:
                pending.receipt = nil
                pending.doubt = submission.doubt ?? "it is in no block yet"
            case .failed(let reason): pending.doubt = reason
            }
            guard ContinuousClock.now < deadline else { return pending }
            sleep(for: min(pause, deadline - ContinuousClock.now))
            pause = min(pause * 1.5, .seconds(2))
        }
    }

    /// Where a transaction stands.
    private enum Sight {
        case confirmed(Receipt)
        case unconfirmed(Receipt, String)
        case absent
        /// The node did not say. It is asked again: the transaction is sent.
        case failed(String)
    }

    private func look(for hash: Bytes32) -> Sight {
        var batch = NodeBatch()
        let receiptTicket = batch.add(.receipt(of: hash))
        let headTicket = batch.add(.blockNumber)
        do {
            let answers = try node().ask(batch)
            guard let receipt = try answers.answer(to: receiptTicket) else { return .absent }
            guard receipt.transactionHash == hash else {
                return .failed("the node gave the receipt of another transaction, \(receipt.transactionHash)")
            }
            // Nodes behind a balancer may differ by a block: a receipt is its own first confirmation.
            let head = max(try answers.answer(to: headTicket), receipt.blockNumber)
            let depth = head - receipt.blockNumber
            guard depth >= policy.confirmations - 1 else {
                let count = "\(depth + 1) of \(policy.confirmations) confirmations"
                return .unconfirmed(receipt, "it is in block \(receipt.blockNumber), with \(count)")
            }
            return .confirmed(receipt)
        } catch {
            return .failed("\(error)")
        }
    }

    private func record(of receipt: Receipt, _ signed: SignedTransaction, _ request: TransactionRequest) -> SentRecord {
        var record = SentRecord(request, receipt.isSuccess ? .success : .reverted)
        record.transactionHash = signed.hash
        record.receipt = receipt
        if receipt.isSuccess {
            record.contractAddress = signed.createdContract
        } else if let data = revertData(of: signed, in: receipt.blockNumber) {
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
