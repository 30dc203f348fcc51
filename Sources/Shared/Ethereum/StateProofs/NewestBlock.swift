import EthereumNode
import Failures
import Glibc
import HTTP
package import Primitives

/// The newest block, where no hash is pinned: only here can a node's silence make a difference.
extension BlockAgreement {
    /// How many blocks further back agreement is looked for.
    private static let lag: UInt64 = 2
    /// How many blocks a node may lag behind another where all must agree.
    private static let gap: UInt64 = 64
    /// How long to wait for a node that lags behind another.
    private static let catchUpTime = Duration.seconds(1)
    /// From which age on, in seconds, an agreed block is worth a warning.
    private static let oldAge: UInt64 = 900

    /// The newest block that enough nodes show.
    ///
    /// - Throws: ``ProvenStateError`` if too few nodes answer or agree, or one is far behind.
    func newest(_ responders: inout NodeQuorum) throws(ProvenStateError) -> ProvenBlock {
        let (first, last) = try heads(&responders)
        let gap = first.answer - min(first.answer, last.answer)
        guard gap <= Self.gap || quorum < nodes.count else {
            throw .farBehind(
                endpoint: last.node.endpoint, head: last.answer, other: first.node.endpoint,
                otherHead: first.answer)
        }
        for number in (last.answer - min(Self.lag, last.answer)...last.answer).reversed() {
            let isLast = last.answer - number == min(Self.lag, last.answer)
            guard let block = try agreed(on: number, &responders, isLast: isLast) else { continue }
            try checkAge(of: block.header)
            return block
        }
        throw responders.tooFew(needed: quorum)
    }

    /// The newest block that any node has, and the newest that enough nodes have.
    ///
    /// What a node hides by ending too early cannot be proven, but can be seen: it is waited for, and then named.
    private func heads(_ responders: inout NodeQuorum) throws(ProvenStateError) -> (first: Head, last: Head) {
        var first: Head?
        while true {
            let heads = responders.askAll { node throws(ProvenStateError) in try node.ask(.blockNumber) }
                .sorted { $0.answer > $1.answer }
            guard heads.count >= quorum else { throw responders.tooFew(needed: quorum) }
            let last = heads[quorum - 1]
            guard let first else {
                guard last.answer < heads[0].answer else { return (heads[0], last) }
                first = heads[0]
                sleep(for: Self.catchUpTime)
                continue
            }
            if last.answer < first.answer {
                warn(
                    "\(last.node.endpoint): is at block \(last.answer), and \(first.node.endpoint) at "
                        + "\(first.answer); newer messages may be hidden")
            }
            return (first, last)
        }
    }

    private typealias Head = (node: QuorumNode, answer: UInt64)

    /// The block of a number that enough nodes show and no other so many; nil if there may be one further back.
    private func agreed(on number: UInt64, _ responders: inout NodeQuorum, isLast: Bool) throws(ProvenStateError)
        -> ProvenBlock?
    {
        let shown = responders.askAll { node throws(ProvenStateError) in try node.header(number: number) }
            .compactMap { each in each.answer.map { (node: each.node, header: $0) } }
        let parties = Dictionary(grouping: shown, by: \.header.hash).values.filter { $0.count >= quorum }
        guard parties.count == 1, let party = parties.first else {
            guard isLast else {
                let reason =
                    Set(shown.map(\.header.hash)).count > 1
                    ? disagreement(on: number, shown).description : "not all nodes show block \(number)"
                warn("\(reason); reading the block before it")
                return nil
            }
            guard shown.count >= quorum else { throw responders.tooFew(needed: quorum) }
            throw disagreement(on: number, shown)
        }
        for other in shown where other.header.hash != party[0].header.hash {
            warn(
                "\(other.node.endpoint): shows a different block \(number) from \(quorum) others: \(other.header.hash)")
        }
        return ProvenBlock(header: party[0].header, nodes: party.map(\.node))
    }

    private func disagreement(
        on number: UInt64, _ shown: [(node: QuorumNode, header: BlockHeader)]
    ) -> ProvenStateError {
        .disagreement(
            number: number, needed: quorum,
            shown: shown.map { QuorumNode.Statement(endpoint: $0.node.endpoint, hash: $0.header.hash) })
    }

    /// An old block is true, but hides what is newer.
    private func checkAge(of header: BlockHeader) throws(ProvenStateError) {
        let now = UInt64(max(time(nil), 0))
        let age = now - min(header.timestamp, now)
        if let maxAge, age > maxAge { throw .tooOld(number: header.number, age: age, limit: maxAge) }
        if maxAge == nil, age > Self.oldAge {
            warn("the newest block shown, \(header.number), is \(age) seconds old; newer ones may be hidden")
        }
    }
}

/// A block that is believed, and the nodes that its state may be read from: they need not be.
package struct ProvenBlock {
    /// The block's header.
    package let header: BlockHeader
    /// The nodes that showed it.
    let nodes: [QuorumNode]

    /// The block's number.
    package var number: UInt64 { header.number }

    /// The number of words requested at once. geth allows 1024; a proof has a few kilobytes.
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
