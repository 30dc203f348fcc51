package import Failures
import HTTP
import JSON

/// Ethereum nodes of one chain: typed questions over JSON-RPC, several in one request.
///
/// Where several nodes are given, the next one is asked when one cannot be reached or answers nonsense; a question
/// that sends something goes to another node only if the first cannot have seen it. When all of them fail in a way
/// that may pass, questions are asked again with growing pauses, for as long as `retryBudget` says; what sends
/// something is not.
package final class EthereumNode {
    private let clients: [RPCClient]
    /// How long a query is retried.
    private let retryBudget: Duration
    /// The node that answered last.
    private var current = 0
    /// When whoever asks stops waiting: no request takes longer, but for three tenths of a second at least.
    package var deadline: ContinuousClock.Instant?
    /// Whether eth_sendRawTransactionSync is worth a try: no node has said that it lacks it.
    var mayWaitForBlocks = true

    /// - Parameters:
    ///   - clients: the nodes, in the order in which they are tried; at least one.
    ///   - retryBudget: how long to retry when all nodes fail for a while.
    package init(_ clients: [RPCClient], retryBudget: Duration = .zero) {
        precondition(!clients.isEmpty)
        self.clients = clients
        self.retryBudget = retryBudget
    }

    /// Asks one question.
    ///
    /// - Parameter retryBudget: how long it is retried, if not for the usual time.
    /// - Throws: ``NodeError``.
    package func ask<Answer>(_ query: NodeQuery<Answer>, retryBudget: Duration? = nil) throws(NodeError) -> Answer {
        let call = query.call
        let result: Result<JSONValue, RPCError>
        do throws(RPCError) {
            result = .success(
                try withClients(isSentOnce: query.isSentOnce, retryBudget) { client throws(RPCError) in
                    try client.call(call.method, call.parameters, once: query.isSentOnce)
                })
        } catch { result = .failure(error) }
        return try query.answer(result).get()
    }

    /// Asks all the questions of a batch, in as few requests as the node takes. All answers are of one node.
    ///
    /// - Parameter retryBudget: how long they are retried, if not for the usual time.
    /// - Throws: ``NodeError`` where no question was answered; otherwise each has its own failure in the answers.
    package func ask(_ batch: NodeBatch, retryBudget: Duration? = nil) throws(NodeError) -> NodeAnswers {
        let none: [Result<JSONValue, RPCError>?] = batch.calls.map { _ in nil }
        var (results, answering) = (none, current)
        do throws(RPCError) {
            try withClients(isSentOnce: false, retryBudget) { client throws(RPCError) in
                // Answers of two nodes may be about two states of the chain.
                if current != answering { (results, answering) = (none, current) }
                try client.complete(&results, of: batch.calls)
            }
        } catch {
            guard results.contains(where: { $0 != nil }) else { throw .failed(error) }
            results = results.map { $0 ?? .failure(error) }
        }
        let found = results.compactMap(\.self)
        if found.contains(where: \.isTransientFailure) { turnToNext() }
        return NodeAnswers(found)
    }

    /// Runs `body` with the clients in turn until the retry budget is used up.
    private func withClients<Answer>(
        isSentOnce: Bool, _ retryBudget: Duration?, _ body: (RPCClient) throws(RPCError) -> Answer
    ) throws(RPCError) -> Answer {
        let start = ContinuousClock.now
        var backoff = Backoff(first: .milliseconds(400), cap: .seconds(5), budget: retryBudget ?? self.retryBudget)
        while true {
            do throws(RPCError) { return try withNextClient(isSentOnce: isSentOnce, body) } catch {
                guard error.isTransient, !isSentOnce,
                    let pause = backoff.pause(elapsed: ContinuousClock.now - start, atLeast: error.retryAfter ?? .zero)
                else { throw error }
                clients[current].rest(for: pause, after: error)
            }
        }
    }

    /// Runs `body` with the current client, and with each of the others as long as another may do better.
    private func withNextClient<Answer>(
        isSentOnce: Bool, _ body: (RPCClient) throws(RPCError) -> Answer
    ) throws(RPCError) -> Answer {
        for _ in clients.dropFirst() {
            do throws(RPCError) { return try body(clientInTime()) } catch {
                guard error.isOfThisNodeAlone else { throw error }
                // Another is asked next even where this request ends here: what came of it, for one.
                turnToNext()
                guard !(isSentOnce && error.mayHaveBeenSent) else { throw error }
            }
        }
        return try body(clientInTime())
    }

    /// The current client, with what is left of the time.
    private func clientInTime() -> RPCClient {
        let client = clients[current]
        client.deadline = deadline
        return client
    }

    private func turnToNext() { current = (current + 1) % clients.count }
}

extension Result<JSONValue, RPCError> {
    /// Whether a node was too busy for a call.
    fileprivate var isTransientFailure: Bool {
        if case .failure(let error) = self { error.isTransient } else { false }
    }
}

extension RPCError {
    /// Whether another node may well answer: this one could not be reached, is overloaded, or is no node at all.
    fileprivate var isOfThisNodeAlone: Bool {
        switch self {
        case .transport, .status, .notJSON, .malformed, .missingAnswer: true
        case .response, .batchRefused: isTransient
        }
    }
}

/// Questions that go to a node in one request.
package struct NodeBatch {
    private(set) var calls: [RPCCall] = []

    package init() {}

    /// Adds a question, which sends nothing, and gives what its answer is fetched with.
    package mutating func add<Answer>(_ query: NodeQuery<Answer>) -> Ticket<Answer> {
        precondition(!query.isSentOnce)
        calls.append(query.call)
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

    /// The answer to one question of the batch, or what went wrong with it.
    package func result<Answer>(of ticket: NodeBatch.Ticket<Answer>) -> Result<Answer, NodeError> {
        // A batch has a result for each of its questions.
        ticket.query.answer(results[ticket.index])
    }

    /// The answer to one question of the batch.
    ///
    /// - Throws: ``NodeError`` for what went wrong with this one.
    package func answer<Answer>(to ticket: NodeBatch.Ticket<Answer>) throws(NodeError) -> Answer {
        try result(of: ticket).get()
    }
}

/// Why a node gave no answer that can be used.
package enum NodeError: UserFacingError, Equatable {
    /// The request failed.
    case failed(RPCError)
    /// The node answered a question, by its method, with an error.
    case methodFailed(String, RPCError)
    /// The answer is not of the form that the method has.
    case malformed(method: String, expected: String)

    package var kind: ErrorCategory { cause?.kind ?? .serviceFailed }

    /// Whether the node says that the sender cannot pay.
    package var isOfFunds: Bool { cause?.isOfFunds == true }

    /// The node's own words, if it has answered with an error.
    package var words: String {
        if case .response(_, let message, _, _)? = cause { message } else { description }
    }

    private var cause: RPCError? {
        switch self {
        case .failed(let error), .methodFailed(_, let error): error
        case .malformed: nil
        }
    }

    package var description: String {
        switch self {
        case .failed(let error): error.description
        case .methodFailed(let method, let error): "the node answered \(method) with \(error.sentence)"
        case .malformed(let method, let expected): "the node's answer to \(method) is not \(expected)"
        }
    }

    package var hints: [String] {
        switch self {
        case .failed(let error), .methodFailed(_, let error): error.hints
        case .malformed: []
        }
    }
}
