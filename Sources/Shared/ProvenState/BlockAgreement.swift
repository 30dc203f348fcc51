import Failures
import Glibc
import Node
package import Primitives
import Retrying
import StateProofs

/// How it is decided which block to believe, and with it the whole state.
///
/// With a pinned hash the hash decides, and any node may show the block. Else so many nodes as the quorum says must show
/// the same block: the newest that so many of them have or, where they differ about that for a moment, one of the two
/// before it.
package struct BlockAgreement {
    /// The nodes; none twice.
    let witnesses: [Witness]
    /// How many must agree.
    let quorum: Int
    /// The block that the operator named.
    let pinned: Bytes32?
    /// The chain that the operator named.
    let chainId: UInt64?
    /// How old the agreed block may be, in seconds; nil for a warning when it is old.
    let maxAge: UInt64?
    /// Says what does not prevent an answer, but should be seen.
    let warn: (String) -> Void

    /// How many blocks further back agreement is looked for.
    private static let lag: UInt64 = 2
    /// How many blocks a node may be behind another without falling under suspicion.
    private static let gap: UInt64 = 64
    /// How long a node that is behind another is waited for.
    private static let patience = Duration.seconds(1)
    /// From which age on, in seconds, an agreed block is worth a warning.
    private static let oldAge: UInt64 = 900

    /// - Parameters:
    ///   - quorum: how many must agree; all, if nil.
    /// - Throws: ``ProvenStateError/quorumTooLarge(quorum:nodes:)``.
    package init(
        of witnesses: [Witness], quorum: Int?, pinned: Bytes32?, chainId: UInt64?, maxAge: UInt64? = nil,
        warn: @escaping (String) -> Void
    ) throws(ProvenStateError) {
        let quorum = quorum ?? witnesses.count
        guard 1...max(witnesses.count, 1) ~= quorum, !witnesses.isEmpty else {
            throw .quorumTooLarge(quorum: quorum, nodes: witnesses.count)
        }
        self.witnesses = witnesses
        self.quorum = quorum
        self.pinned = pinned
        self.chainId = chainId
        self.maxAge = maxAge
        self.warn = warn
        if quorum == 1, pinned == nil {
            let only = witnesses.count == 1 ? witnesses[0].endpoint : "whichever node answers first"
            warn("\(only) alone says which block is the newest; name more nodes, or a block with --block-hash")
        }
    }

    /// The block to believe.
    ///
    /// - Throws: ``ProvenStateError``.
    package func block() throws(ProvenStateError) -> ProvenBlock {
        var jury = Jury(witnesses)
        if let chainId {
            try jury.examine { witness throws(ProvenStateError) in
                let actual = try witness.ask(.chainId)
                guard actual == chainId else {
                    throw .wrongChain(endpoint: witness.endpoint, expected: chainId, actual: actual)
                }
            }
        }
        let block = if let pinned { try self.block(hash: pinned, &jury) } else { try newest(&jury) }
        for failure in jury.failures { warn(failure.description) }
        return block
    }

    private func block(hash: Bytes32, _ jury: inout Jury) throws(ProvenStateError) -> ProvenBlock {
        let headers = try jury.examine { witness throws(ProvenStateError) in try witness.header(hash: hash) }
        guard let header = headers.compactMap(\.answer).first else { throw jury.worst ?? .unknownBlock(hash) }
        return ProvenBlock(header: header, witnesses: headers.filter { $0.answer != nil }.map(\.witness))
    }

    private func newest(_ jury: inout Jury) throws(ProvenStateError) -> ProvenBlock {
        let (first, last) = try heads(&jury)
        guard last.answer >= first.answer || first.answer - last.answer <= Self.gap else {
            throw .farBehind(
                endpoint: last.witness.endpoint, head: last.answer, other: first.witness.endpoint,
                otherHead: first.answer)
        }
        for number in (last.answer - min(Self.lag, last.answer)...last.answer).reversed() {
            let isLast = last.answer - number == min(Self.lag, last.answer)
            guard let block = try agreed(on: number, &jury, isLast: isLast) else { continue }
            try checkAge(of: block.header)
            return block
        }
        throw jury.tooFew(needed: quorum)
    }

    /// The newest block that any node has, and the newest that enough nodes have.
    ///
    /// What a node hides by ending too early cannot be proven, but can be seen: it is waited for, and then named.
    private func heads(_ jury: inout Jury) throws(ProvenStateError) -> (first: Head, last: Head) {
        var first: Head?
        while true {
            let heads = try jury.examine { witness throws(ProvenStateError) in try witness.ask(.blockNumber) }
                .sorted { $0.answer > $1.answer }
            guard heads.count >= quorum else { throw jury.tooFew(needed: quorum) }
            let last = heads[quorum - 1]
            guard let first else {
                guard last.answer < heads[0].answer else { return (heads[0], last) }
                first = heads[0]
                sleep(for: Self.patience)
                continue
            }
            if last.answer < first.answer {
                warn(
                    "\(last.witness.endpoint): ends at block \(last.answer), and \(first.witness.endpoint) at "
                        + "\(first.answer); newer messages may be hidden")
            }
            return (first, last)
        }
    }

    private typealias Head = (witness: Witness, answer: UInt64)

    /// The block of a number that enough nodes show and no other so many; nil if there may be one further back.
    private func agreed(on number: UInt64, _ jury: inout Jury, isLast: Bool) throws(ProvenStateError) -> ProvenBlock? {
        let shown = try jury.examine { witness throws(ProvenStateError) in try witness.header(number: number) }
            .compactMap { each in each.answer.map { (witness: each.witness, header: $0) } }
        let parties = Dictionary(grouping: shown, by: \.header.hash).values.filter { $0.count >= quorum }
        guard parties.count == 1, let party = parties.first else {
            guard isLast else {
                if Set(shown.map(\.header.hash)).count > 1 {
                    warn("\(disagreement(on: number, shown)); the block before it is read")
                }
                return nil
            }
            if let worst = jury.worst, case .failed = worst {} else if let worst = jury.worst { throw worst }
            guard shown.count >= quorum else { throw jury.tooFew(needed: quorum) }
            throw disagreement(on: number, shown)
        }
        for other in shown where other.header.hash != party[0].header.hash {
            warn("\(other.witness.endpoint): shows another block \(number) than \(quorum) others: \(other.header.hash)")
        }
        return ProvenBlock(header: party[0].header, witnesses: party.map(\.witness))
    }

    private func disagreement(
        on number: UInt64, _ shown: [(witness: Witness, header: BlockHeader)]
    ) -> ProvenStateError {
        .disagreement(
            number: number, needed: quorum,
            shown: shown.map { Witness.Statement(endpoint: $0.witness.endpoint, hash: $0.header.hash) })
    }

    /// Old blocks are true and hide what is newer.
    private func checkAge(of header: BlockHeader) throws(ProvenStateError) {
        let now = UInt64(max(time(nil), 0))
        let age = now - min(header.timestamp, now)
        if let maxAge, age > maxAge { throw .tooOld(number: header.number, age: age, limit: maxAge) }
        if maxAge == nil, age > Self.oldAge {
            warn("the newest block that is shown, \(header.number), is \(age) seconds old; newer ones may be hidden")
        }
    }
}
