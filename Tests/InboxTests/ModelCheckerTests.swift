import ModelChecker
import Testing

/// All that may happen to a program that reads an inbox of four messages, on two forks, through two nodes of which one
/// lags, with unreadable messages in either fork, a handler that refuses, and a crash at any step.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct InboxModelTests {
    /// - Parameter posted: how many messages were there before anybody looked.
    private func check(_ model: InboxModel, posted: Int) -> SearchResult<InboxWorld> {
        var world = InboxWorld()
        world.chain.count = posted
        world.lagging = world.chain
        return breadthFirst(from: world, limit: 50_000, next: model.steps, violation: model.violation)
    }

    @Test("every message that stands is delivered, whatever happens", arguments: [false, true], [0, 4])
    func nothingIsLost(withdraws: Bool, posted: Int) {
        let result = check(InboxModel(withdraws: withdraws), posted: posted)
        print("inbox model: \(result.stateCount) states, \(result.reachedLimit ? "the limit" : "all there are")")
        #expect(result.violation == nil, "\(result.violation?.description ?? "")")
        #expect(result.stateCount > 10_000)
    }

    @Test("a rule that is broken is found", arguments: Fault.allCases)
    func seededFaults(fault: Fault) throws {
        let result = check(InboxModel(fault: fault), posted: 4)
        let violation = try #require(result.violation)
        print("\(fault): \(result.stateCount) states, \(violation)")
        #expect(violation.rule.hasSuffix("is lost"))
    }
}

/// The search itself.
@Suite struct BreadthFirstTests {
    private func search(limit: Int, forbidden: Int?) -> SearchResult<Int> {
        breadthFirst(from: 1, limit: limit) { number in
            number < 100 ? [("add", number + 1), ("double", number * 2)] : []
        } violation: {
            $0 == forbidden ? "\($0) is forbidden" : nil
        }
    }

    @Test func `all states are visited once, up to a limit`() {
        let all = search(limit: 1000, forbidden: nil)
        #expect((all.stateCount, all.reachedLimit) == (149, false))
        let some = search(limit: 50, forbidden: nil)
        #expect((some.stateCount, some.reachedLimit) == (50, true))
    }

    @Test func `one of the shortest ways to a violation is told`() {
        let violation = search(limit: 1000, forbidden: 10).violation
        #expect(violation?.trace.map(\.state) == [2, 4, 5, 10])
        #expect(violation?.description == "10 is forbidden, after: add; double; add; double")
    }
}
