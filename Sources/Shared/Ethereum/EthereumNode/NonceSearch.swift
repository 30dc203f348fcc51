import JSON
package import Primitives
import Transactions

/// Finds the transaction that has a nonce of an account, in the block in which the account used it.
package struct NonceSearch {
    private let sender: Address
    private let nonce: UInt64
    private let chainId: UInt64
    private let head: UInt64

    /// - Parameters:
    ///   - sender: the account.
    ///   - nonce: the number of its transaction, from 0.
    ///   - chainId: the chain of which the transaction must be.
    ///   - head: the newest block, after which the account has used the nonce.
    package init(sender: Address, nonce: UInt64, chainId: UInt64, head: UInt64) {
        (self.sender, self.nonce, self.chainId, self.head) = (sender, nonce, chainId, head)
    }

    /// The number of blocks queried in one request.
    private static let blocksAtOnce: UInt64 = 15

    /// The transaction's hash, its block and the newest one; nil if the node shows none that the account has signed.
    ///
    /// The account's number of transactions grows from block to block, so that the block is found by halving, or
    /// faster with several questions in a request. The newest blocks come first: there it mostly is, and of older ones
    /// many nodes have no state.
    /// - Throws: ``NodeError``.
    package func occupant(asking node: EthereumNode) throws(NodeError) -> (hash: Bytes32, block: UInt64, head: UInt64)?
    {
        // The nonce is unused after `low`, or before all blocks; used after `high`.
        var (low, high): (UInt64?, UInt64) = (nil, head)
        var places = (0..<Self.blocksAtOnce).compactMap { head >= 1 << $0 ? head - (1 << $0) : nil }
        while !places.isEmpty {
            var batch = NodeBatch()
            let tickets = places.map { batch.add(.transactionCount(of: sender, at: .number($0))) }
            let answers = try node.ask(batch, retryBudget: .zero)
            for (place, ticket) in zip(places, tickets) {
                // A state that the node does not have is older than those that it has.
                let isUsed = (try? answers.answer(to: ticket)).map { $0 > nonce } ?? false
                if isUsed { high = min(high, place) } else { low = max(low ?? 0, place) }
            }
            let bottom = low ?? 0
            guard bottom < high, high - bottom > 1 else { break }
            let step = max((high - bottom) / (Self.blocksAtOnce + 1), 1)
            places = (1...Self.blocksAtOnce).map { $0 * step }.filter { $0 < high - bottom }.map { bottom + $0 }
        }
        // How deep the block is must be the word of the node that shows it: another one may be of another fork.
        var batch = NodeBatch()
        let (headTicket, blockTicket) = (batch.add(.blockNumber), batch.add(.block(number: high, isWhole: true)))
        let answers = try node.ask(batch, retryBudget: .zero)
        let newest = try answers.answer(to: headTicket)
        guard let block = try answers.answer(to: blockTicket), let transactions = block["transactions"]?.array else {
            return nil
        }
        for case .object(let object) in transactions {
            guard object["nonce"]?.string == nonce.quantity, object["from"]?.string?.lowercased() == sender.hex else {
                continue
            }
            // A block has one such transaction.
            guard let found = try? MinedTransaction(json: object), found.sender == sender, found.nonce == nonce,
                found.chainId == chainId
            else { return nil }
            return (found.hash, high, newest)
        }
        return nil
    }
}
