import EthereumNode
package import Primitives

/// A block that is believed, and the nodes that its state may be read from: they need not be.
package struct ProvenBlock {
    /// The block's header.
    package let header: BlockHeader
    /// The nodes that showed it.
    let nodes: [QuorumNode]

    /// The block's number.
    package var number: UInt64 { header.number }

    /// How many words are asked for in one request. geth allows 1024; a proof has a few kilobytes.
    private static let batchSize = 100

    /// Words of an account's storage, in the order of their slots; nil if the account is no contract.
    ///
    /// A node that cannot be reached or refuses is passed over for the next one. One that is caught is not: it is an
    /// error that names it.
    /// - Throws: ``ProvenStateError``.
    package func words(of address: Address, at slots: [Bytes32]) throws(ProvenStateError) -> [Bytes32]? {
        var words: [Bytes32] = []
        repeat {
            let batch = Array(slots[words.count...].prefix(Self.batchSize))
            let account = try account(address, slots: batch)
            guard let state = account.state, state.isContract else { return nil }
            words += account.words
        } while words.count < slots.count
        return words
    }

    private func account(_ address: Address, slots: [Bytes32]) throws(ProvenStateError) -> ProvenAccount {
        var failure: ProvenStateError?
        for node in nodes {
            do throws(ProvenStateError) {
                let answer = try node.ask(.proof(of: address, slots: slots, atBlock: header.hash))
                do throws(StateProofError) {
                    return try ProvenAccount(json: answer, of: address, slots: slots, stateRoot: header.stateRoot)
                } catch { throw ProvenStateError.caught(endpoint: node.endpoint, error) }
            } catch {
                guard case .failed = error else { throw error }
                failure = error
            }
        }
        throw failure ?? .unknownBlock(header.hash)
    }
}
