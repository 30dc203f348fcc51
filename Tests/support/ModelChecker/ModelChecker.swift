/// What a search through all reachable states found.
package struct SearchResult<State: Hashable> {
    /// A step from one state to the next.
    package struct Step {
        /// What happened.
        package let label: String
        /// The state that it led to.
        package let state: State
    }

    /// A state that breaks a rule, and one of the shortest ways to it.
    package struct Violation: CustomStringConvertible {
        /// The rule, in words.
        package let rule: String
        /// The state in which the search began.
        package let start: State
        /// The steps from there to the state that breaks the rule.
        package let trace: [Step]

        package var description: String {
            "\(rule), after: " + (trace.isEmpty ? "nothing" : trace.map(\.label).joined(separator: "; "))
        }
    }

    /// How many different states were visited.
    package let stateCount: Int
    /// Whether the search ended at its limit, with states left that it did not visit.
    package let reachedLimit: Bool
    /// The first violation; nil if no visited state has one.
    package let violation: Violation?
}

/// Visits every state that can be reached, breadth first, until one breaks a rule.
///
/// - Parameters:
///   - start: where the search begins.
///   - limit: how many different states are visited at most.
///   - next: all the steps that lead out of a state; none for a final one.
///   - violation: the rule that a state breaks, in words; nil for none.
package func breadthFirst<State: Hashable>(
    from start: State, limit: Int, next: (State) -> [(label: String, state: State)], violation: (State) -> String?
) -> SearchResult<State> {
    var states = [start]
    var known: Set<State> = [start]
    // How each state was reached first, as an index into `states`.
    var origins: [(parent: Int, label: String)] = [(0, "")]
    var reachedLimit = false

    func trace(to last: Int) -> [SearchResult<State>.Step] {
        var steps: [SearchResult<State>.Step] = []
        var index = last
        while index != 0 {
            steps.append(.init(label: origins[index].label, state: states[index]))
            index = origins[index].parent
        }
        return steps.reversed()
    }

    var index = 0
    while index < states.count {
        let state = states[index]
        if let rule = violation(state) {
            let found = SearchResult.Violation(rule: rule, start: start, trace: trace(to: index))
            return SearchResult(stateCount: index + 1, reachedLimit: reachedLimit, violation: found)
        }
        for step in next(state) where !known.contains(step.state) {
            guard states.count < limit else {
                reachedLimit = true
                break
            }
            known.insert(step.state)
            states.append(step.state)
            origins.append((index, step.label))
        }
        index += 1
    }
    return SearchResult(stateCount: states.count, reachedLimit: reachedLimit, violation: nil)
}
