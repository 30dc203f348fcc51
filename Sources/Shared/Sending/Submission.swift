import Failures
import JSONRPC
import Node
import Primitives
import Retrying
import Transactions

/// What a node's answer to a transaction says of whether it was taken.
enum Submission {
    /// The node has it.
    case accepted
    /// It is in a block already (eth_sendRawTransactionSync).
    case mined(Receipt)
    /// It may have it, or may have passed it on: only the chain can tell. The text says why.
    case doubtful(String)
    /// It does not have it: another transaction of the sender has the nonce, in a block or waiting for one.
    case nonceTaken(SendError)
    /// It does not have it, and may take it a little later.
    case postponed(any Failure)
    /// It does not have it, and will not take it.
    case refused(any Failure)
    /// It does not offer to wait for the block.
    case doesNotWait

    /// Hands transactions over, in their order, with one request.
    ///
    /// - Parameter waits: whether the node is asked to answer once the transaction is in a block; for one alone, since
    ///   a node that waits for the last of several may wait for one before it that it never got.
    /// - Returns: one for each of them.
    static func submit(_ transactions: [SignedTransaction], waits: Bool, to node: Node) -> [Submission] {
        guard transactions.count > 1 else {
            return transactions.map { signed in
                Self.init(of: signed, isWaiting: waits) { () throws(NodeError) in
                    waits
                        ? .receipt(try node.ask(.sendAndWait(raw: signed.raw)))
                        : .hash(try node.ask(.send(raw: signed.raw)))
                }
            }
        }
        var batch = NodeBatch()
        let tickets = transactions.map { batch.add(.send(raw: $0.raw)) }
        let answers: Result<NodeAnswers, NodeError>
        do throws(NodeError) { answers = .success(try node.ask(batch)) } catch { answers = .failure(error) }
        return zip(transactions, tickets).map { signed, ticket in
            Self.init(of: signed, isWaiting: false) { () throws(NodeError) in
                .hash(try answers.get().answer(to: ticket))
            }
        }
    }

    /// The same verdicts, but for those against a transaction that a node turns out to know: gateways hand
    /// transactions on to several nodes, and tell what the last of them said.
    ///
    /// What would have another transaction signed for the request is looked at for a while; where nobody can be asked,
    /// it stays open.
    static func checked(
        _ submissions: [Submission], of transactions: [SignedTransaction], asking node: Node
    ) -> [Submission] {
        var submissions = submissions
        for look in 0..<looks {
            let doubted = submissions.indices.filter { submissions[$0].isRefusal(after: look) }
            guard !doubted.isEmpty else { break }
            if look > 0 { sleep(for: pauseBetweenLooks) }
            var batch = NodeBatch()
            let tickets = doubted.map { index in
                let hash = transactions[index].hash
                return (index, batch.add(.knows(hash)), batch.add(.receipt(of: hash)))
            }
            do throws(NodeError) {
                let answers = try node.ask(batch)
                for (index, isKnown, receipt) in tickets {
                    let isMined = try answers.answer(to: receipt)?.transactionHash == transactions[index].hash
                    let isWaiting = try answers.answer(to: isKnown)
                    if isMined || isWaiting { submissions[index] = .accepted }
                }
            } catch {
                for index in doubted { submissions[index] = .doubtful(error.description) }
            }
        }
        return submissions
    }

    private static let looks = 3
    private static let pauseBetweenLooks = Duration.milliseconds(300)

    /// Whether the verdict is against the transaction, and not yet looked at often enough.
    private func isRefusal(after looks: Int) -> Bool {
        switch self {
        case .nonceTaken: true
        case .refused: looks == 0
        default: false
        }
    }

    /// What a node gives for a transaction that it took.
    private enum Answer {
        case hash(Bytes32)
        case receipt(Receipt)

        var hash: Bytes32 {
            switch self {
            case .hash(let hash): hash
            case .receipt(let receipt): receipt.transactionHash
            }
        }
    }

    private init(of signed: SignedTransaction, isWaiting: Bool, answer: () throws(NodeError) -> Answer) {
        do throws(NodeError) {
            let answer = try answer()
            guard answer.hash == signed.hash else {
                self = .doubtful("the node gave it another hash, \(answer.hash): it lies, or took something else")
                return
            }
            if case .receipt(let receipt) = answer { self = .mined(receipt) } else { self = .accepted }
        } catch {
            guard case .failed(let failure) = error else {
                self = .doubtful(error.description)
                return
            }
            self = Self.init(failure, isWaiting: isWaiting)
        }
    }

    private init(_ failure: RPCError, isWaiting: Bool) {
        guard case .response(let code, let message, _) = failure else {
            self =
                switch failure {
                case _ where !failure.mayHaveBeenSent: .postponed(failure)
                case .status(_, 429, _, _): .postponed(failure)
                case .status(_, let code, _, _) where 400..<500 ~= code && code != 408 && code != 425: .refused(failure)
                default: .doubtful(failure.description)
                }
            return
        }
        let text = message.lowercased()
        func says(_ words: [String]) -> Bool { words.contains(where: text.contains) }
        self =
            if isWaiting, code == Self.noSuchMethod || says(Self.methodWords) {
                .doesNotWait
            } else if code == Self.waitedInVain || says(Self.knownWords) {
                .accepted
            } else if says(Self.nonceWords) {
                .nonceTaken(.rejected(message: message))
            } else if failure.isTransient || says(Self.fullWords) {
                .postponed(failure)
            } else if Self.refusalCodes.contains(code) || says(Self.refusalWords) {
                .refused(SendError.rejected(message: message))
            } else {
                // A gateway that gave up waiting answers with an error too, and the transaction is on its way.
                .doubtful(failure.description)
            }
    }

    /// EIP-7966: the transaction was taken, and was in no block when the node's time was up.
    private static let waitedInVain = 4

    /// JSON-RPC 2.0, section 5.1: the call was not understood, and so not made.
    private static let refusalCodes = [-32700, -32600, noSuchMethod, -32602]
    private static let noSuchMethod = -32601

    /// What the nodes in use say of a method that they do not offer.
    private static let methodWords = ["not found", "does not exist", "not available", "not supported", "unsupported"]

    /// What the nodes in use say of a transaction that they have already.
    private static let knownWords = ["already known", "known transaction", "already imported"]

    /// And of one whose nonce another transaction has.
    private static let nonceWords = [
        "nonce too low", "replacement transaction underpriced", "could not replace existing",
        "nonce has already been used", "replacement fee too low",
    ]

    /// And when they have no room.
    private static let fullWords = ["txpool is full", "pool is full", "account limit exceeded", "already reserved"]

    /// And of transactions that they do not take at all.
    private static let refusalWords = [
        "nonce too high", "underpriced", "insufficient funds", "intrinsic gas", "gas limit", "fee cap",
        "max fee per gas", "priority fee", "gas price", "invalid sender", "invalid signature", "invalid transaction",
        "invalid chain", "chain id", "chainid", "oversized", "initcode", "not supported", "limit exceeded",
        "unauthorized", "exceeds the configured cap",
    ]
}
