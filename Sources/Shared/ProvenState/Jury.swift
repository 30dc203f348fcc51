import Failures

/// The nodes that are still heard, and what became of the others.
struct Jury {
    private var seated: [Witness]
    /// Why others are heard no more.
    private(set) var failures: [ProvenStateError] = []

    init(_ witnesses: [Witness]) { seated = witnesses }

    /// Asks each node the same, and no more asks those that give no answer or were caught.
    @discardableResult
    mutating func examine<Answer>(
        _ question: (Witness) throws(ProvenStateError) -> Answer
    ) -> [(witness: Witness, answer: Answer)] {
        var answers: [(witness: Witness, answer: Answer)] = []
        for witness in seated {
            do throws(ProvenStateError) { answers.append((witness, try question(witness))) } catch {
                failures.append(error)
            }
        }
        seated = answers.map(\.witness)
        return answers
    }

    /// The failure to report: of a node that was caught or is of another chain, before one of a node that did not
    /// answer.
    var worst: ProvenStateError? { failures.first { $0.kind != .serviceFailed } ?? failures.last }

    /// What it means that too few are left.
    func tooFew(needed: Int) -> ProvenStateError {
        if let worst, worst.kind != .serviceFailed || needed == 1 { return worst }
        return .tooFewWitnesses(
            needed: needed, answered: seated.count, last: failures.last?.description ?? "the block is not there yet")
    }
}
