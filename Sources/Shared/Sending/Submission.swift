import Failures
import JSONRPC
import Node
import Transactions

/// What a node's answer to a transaction says of whether it was taken.
enum Submission {
    /// The node has it.
    case accepted
    /// It may have it, or may have passed it on: only the chain can tell. The text says why.
    case doubtful(String)

    /// Why it is doubtful; nil if it is not.
    var doubt: String? { if case .doubtful(let reason) = self { reason } else { nil } }

    /// Hands the transaction over.
    ///
    /// - Throws: ``SendError/rejected(message:)``, `NodeError`: the node does not have it.
    init(of signed: SignedTransaction, to node: Node) throws {
        do throws(NodeError) {
            let hash = try node.ask(.send(raw: signed.raw))
            self =
                hash == signed.hash
                ? .accepted : .doubtful("the node gave it another hash, \(hash): it lies, or took something else")
        } catch {
            guard case .failed(let failure) = error else {
                self = .doubtful(error.description)
                return
            }
            if case .response(_, let message, _) = failure, Self.isKnown(message) {
                self = .accepted
            } else if case .response(_, let message, _) = failure, failure.isRefusal {
                throw SendError.rejected(message: message)
            } else if failure.isRefusal {
                throw error
            } else {
                self = .doubtful(error.description)
            }
        }
    }

    /// Whether a node refuses a transaction because it has it already.
    private static func isKnown(_ message: String) -> Bool {
        let text = message.lowercased()
        return ["already known", "known transaction", "already imported"].contains(where: text.contains)
    }
}

extension RPCError {
    /// Whether the node has certainly not taken what it was sent.
    ///
    /// An error counts as a refusal only if its words are known: a gateway that gave up waiting answers with an error
    /// too, and the transaction is on its way.
    fileprivate var isRefusal: Bool {
        switch self {
        case .response(let code, let message, _):
            let text = message.lowercased()
            return Self.refusalCodes.contains(code) || Self.refusals.contains(where: text.contains)
        case .status(_, let code, _, _): return 400..<500 ~= code && code != 408 && code != 425
        default: return !mayHaveBeenSent
        }
    }

    /// JSON-RPC 2.0, section 5.1: the call was not understood, and so not made.
    private static let refusalCodes = [-32700, -32600, -32601, -32602]

    /// What the nodes in use say of transactions that they do not take.
    private static let refusals = [
        "nonce too low", "nonce too high", "underpriced", "insufficient funds", "intrinsic gas", "gas limit",
        "fee cap", "max fee per gas", "priority fee", "gas price", "invalid sender", "invalid signature",
        "invalid transaction", "invalid chain", "chain id", "chainid", "txpool is full", "pool is full",
        "already reserved",
        "oversized", "initcode", "not supported", "rate limit", "too many requests", "limit exceeded", "unauthorized",
        "exceeds",
    ]
}
