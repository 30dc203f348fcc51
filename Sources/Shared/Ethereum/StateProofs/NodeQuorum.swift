import Failures

/// The nodes that are still heard, and what became of the others.
struct NodeQuorum {
    private var responding: [QuorumNode]
    /// Why others are heard no more.
    private(set) var failures: [ProvenStateError] = []

    init(_ nodes: [QuorumNode]) { responding = nodes }

    /// Asks each node the same, and no more asks those that give no answer or were caught.
    @discardableResult
    mutating func askAll<Answer>(
        _ question: (QuorumNode) throws(ProvenStateError) -> Answer
    ) -> [(node: QuorumNode, answer: Answer)] {
        var answers: [(node: QuorumNode, answer: Answer)] = []
        for node in responding {
            do throws(ProvenStateError) { answers.append((node, try question(node))) } catch {
                failures.append(error)
            }
        }
        responding = answers.map(\.node)
        return answers
    }

    /// The failure to report: of a node that was caught or is of another chain, before one of a node that did not
    /// answer.
    var worst: ProvenStateError? { failures.first { $0.kind != .serviceFailed } ?? failures.last }

    /// What it means that too few are left.
    func tooFew(needed: Int) -> ProvenStateError {
        if let worst, worst.kind != .serviceFailed || needed == 1 { return worst }
        return .tooFewNodes(
            needed: needed, answered: responding.count, last: failures.last?.description ?? "the block is not there yet"
        )
    }
}
