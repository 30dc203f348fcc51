import JSON
package import Primitives

/// What a node's answer to a transaction says of whether it was taken.
///
/// Nodes agree on no codes, so their words count: those of geth, op-geth, Erigon, Nethermind, Besu, Reth, Nitro, Anvil
/// and Hardhat, and of gateways in front of them.
package enum SubmitResult: Equatable, Sendable {
    /// The node has it.
    case accepted
    /// It is in a block already (eth_sendRawTransactionSync, EIP-7966).
    case mined(Receipt)
    /// The node may have it, or may have passed it on: only the chain can tell. The text says why.
    case doubtful(String)
    /// The node has another transaction of the sender with this nonce, in a block or waiting for one. A gateway that
    /// hands a transaction on twice says so of the transaction itself.
    case nonceTaken(String)
    /// The node does not have it, and may take it a little later.
    case postponed(RPCError)
    /// The node does not have it, and a rule of its own or of the chain forbids it to take it.
    case rejected(RPCError)

    /// What a node says of a transaction that it was given.
    ///
    /// - Parameters:
    ///   - raw: the signed transaction.
    ///   - hash: its hash; a node that names another hash has accepted something else, or lies.
    ///   - waits: whether the node, if it offers that, is asked to answer once the transaction is in a block.
    package init(of raw: [UInt8], hash: Bytes32, waits: Bool, from node: EthereumNode) {
        let waits = waits && node.mayWaitForBlocks
        do throws(NodeError) {
            let receipt: Receipt? = if waits { try node.ask(.sendAndWait(raw: raw)) } else { nil }
            let named: Bytes32 = if let receipt { receipt.transactionHash } else { try node.ask(.send(raw: raw)) }
            guard named == hash else {
                self = .doubtful("the node returned another hash, \(named): it lies, or accepted something else")
                return
            }
            self = receipt.map(Self.mined) ?? .accepted
        } catch {
            switch error {
            case .failed(let failure), .methodFailed(_, let failure):
                if let result = Self.result(of: failure, isWaiting: waits) {
                    self = result
                } else {
                    node.mayWaitForBlocks = false
                    self.init(of: raw, hash: hash, waits: false, from: node)
                }
            case .malformed: self = .doubtful(error.description)
            }
        }
    }

    /// What a failure says; nil if it says only that the node does not offer to wait.
    private static func result(of failure: RPCError, isWaiting: Bool) -> SubmitResult? {
        guard case .response(let code, let message, _, _) = failure else {
            // The same bytes may be handed over again: no node takes them twice.
            return
                switch failure
            {
            case _ where !failure.mayHaveBeenSent: .postponed(failure)
            case .status where isWaiting && failure.isMethodUnavailable: nil
            case .status(_, 429, _, _): .postponed(failure)
            case .status(_, let code, _, _) where 400..<500 ~= code && code != 408 && code != 425:
                .rejected(failure)
            default: .doubtful(failure.description)
            }
        }
        let text = message.lowercased()
        func says(_ words: [String]) -> Bool { words.contains { text.containsWords($0) } }
        return
            if (isWaiting && code == Self.waitedInVain) || says(Self.knownWords) || text == "mined"
        {
            .accepted
        } else if isWaiting, failure.isMethodUnavailable, !says(Self.doubtfulWords) {
            nil
        } else if says(Self.nonceWords) {
            .nonceTaken(message)
        } else if says(Self.doubtfulWords) {
            .doubtful(failure.description)
        } else if says(Self.busyWords) || (failure.isRateLimit && !says(["gas limit", "not authorized"])) {
            .postponed(failure)
        } else if Self.rejectionCodes.contains(code) || says(Self.ruleWords) {
            .rejected(failure)
        } else {
            // A gateway that gave up waiting answers with an error too, and the transaction is on its way.
            .doubtful(failure.description)
        }
    }

    /// EIP-7966: the transaction was taken, and was in no block when the node's time was up.
    private static let waitedInVain = 4

    /// JSON-RPC 2.0, section 5.1: the call was not understood, and so not made.
    private static let rejectionCodes = [-32700, -32600, -32601, -32602]

    /// Of a transaction that it has already.
    private static let knownWords = [
        "already known", "alreadyknown", "known transaction", "already imported", "was already imported",
        "existing tx with same hash", "existing txn with same hash", "already finalized", "already in mempool",
        "internal_error: mined", "pool(alreadyimported)",
    ]

    /// Of one whose nonce another transaction has.
    private static let nonceWords = [
        "nonce too low", "nonce is too low", "oldnonce", "ownnoncealreadyused", "nonce already used",
        "nonce has already been used", "replacement transaction underpriced", "replacement fee too low",
        "replacementnotallowed", "could not replace existing", "gas price to replace existing",
        "transaction with same nonce", "has the same nonce", "tries to replace pending", "can't replace blob-txn",
        "invalid transaction nonce", "pool(stale)",
    ]

    /// Of one that may be on its way all the same: the node passed it on, or stopped waiting.
    private static let doubtfulWords = [
        "failed to forward tx", "upstream", "bad gateway", "context deadline exceeded", "timed out", "timeout",
        "please retry transaction",
        "added to the mempool",
    ]

    /// Of any transaction, as long as there is no room, or something before it is not known yet.
    private static let busyWords = [
        "txpool is full", "pool is full", "sub-pool is full", "limit in txpool", "account limit exceeded",
        "already reserved",
        "in-flight transaction limit", "gapped-nonce", "pendingtxsofconflictingtype", "delegatorhaspendingtx",
        "has pending transaction",
        "notcurrentnoncefordelegation", "feetoolowtocompete", "syncing", "sync is still in progress",
        "pool not enabled", "with a lower nonce exists", "too distant from current",
        "too many transactions in the queue",
        "queue full", "not accepting transactions", "noncegap", "too far in future", "noncetoofarinfuture",
    ]

    /// Of one that it does not take at all.
    private static let ruleWords =
        RPCError.fundsWords + [
            "nonce too high", "underpriced", "feetoolow", "fee too low", "intrinsic gas", "intrinsicgas", "gas limit",
            "gaslimitexceeded", "fee cap", "max fee per gas",
            "maxfeepergas", "priority fee", "gas price", "gasprice", "invalid sender", "invalid signature",
            "failedtoresolvesender", "invalid transaction", "invalid chain", "chain id", "chainid", "wrong chain",
            "oversized", "too large", "initcode", "not supported", "unsupported transaction", "limit exceeded",
            "unauthorized", "not authorized", "not an eoa", "senderiscontract", "notsupportedtxtype",
            "exceeds the configured cap", "cost overflow", "whitelist", "execution reverted", "failed to decode",
            "rlp:", "replay-protected",
        ]
}

extension String {
    /// Whether the text has these words, not preceded by a letter: "unknown transaction" is not "known transaction".
    fileprivate func containsWords(_ words: String) -> Bool {
        var rest = self[...]
        while let range = rest.firstRange(of: words) {
            guard range.lowerBound > startIndex, self[index(before: range.lowerBound)].isLetter else { return true }
            rest = self[range.upperBound...]
        }
        return false
    }
}
