import JSON

/// Questions that go to a node in one request.
package struct NodeBatch {
    private(set) var calls: [RPCCall] = []
    /// Whether one of the questions sends something: then each may reach a node once at most.
    private(set) var isSentOnce = false

    package init() {}

    /// Adds a question, and gives what its answer is fetched with.
    package mutating func add<Answer>(_ query: NodeQuery<Answer>) -> Ticket<Answer> {
        calls.append(query.call)
        isSentOnce = isSentOnce || query.isSentOnce
        return Ticket(query: query, index: calls.count - 1)
    }

    /// The place of a question in its batch.
    package struct Ticket<Answer: Sendable> {
        fileprivate let query: NodeQuery<Answer>
        fileprivate let index: Int
    }
}

/// The answers to a batch.
package struct NodeAnswers {
    private let results: [Result<JSONValue, RPCError>]

    init(_ results: [Result<JSONValue, RPCError>]) { self.results = results }

    /// The answer to one question of the batch.
    ///
    /// - Throws: ``NodeError`` for what went wrong with this one.
    package func answer<Answer>(to ticket: NodeBatch.Ticket<Answer>) throws(NodeError) -> Answer {
        // A batch has a result for each of its questions.
        try ticket.query.answer(results[ticket.index]).get()
    }
}
