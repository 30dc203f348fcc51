import JSON
package import JSONRPC

/// Ethereum nodes of one chain: typed questions over JSON-RPC, several in one request.
///
/// Where several nodes are given, the next one is asked when one cannot be reached or answers nonsense; a question
/// that sends something goes to another node only if the first cannot have seen it.
package final class Node {
    private let clients: [RPCClient]
    /// The node that answered last.
    private var current = 0

    /// - Parameter clients: the nodes, in the order in which they are tried; at least one.
    package init(_ clients: [RPCClient]) {
        precondition(!clients.isEmpty)
        self.clients = clients
    }

    /// Asks one question.
    ///
    /// - Throws: ``NodeError``.
    package func ask<Answer>(_ query: NodeQuery<Answer>) throws(NodeError) -> Answer {
        let result: Result<JSONValue, RPCError>
        do throws(RPCError) {
            result = .success(
                try withNextClient(isSentOnce: query.isSentOnce) { client throws(RPCError) in
                    try client.call(query.call.method, query.call.parameters, once: query.isSentOnce)
                })
        } catch { result = .failure(error) }
        return try query.answer(result).get()
    }

    /// Asks all the questions of a batch in one request, or one by one of a node that takes no batches.
    ///
    /// - Throws: ``NodeError`` where the request as a whole failed; each question has its own failure in the answers.
    package func ask(_ batch: NodeBatch) throws(NodeError) -> NodeAnswers {
        do throws(RPCError) {
            return NodeAnswers(
                try withNextClient(isSentOnce: false) { client throws(RPCError) in
                    try Self.results(of: batch.calls, from: client)
                })
        } catch {
            throw .failed(error)
        }
    }

    /// One result a call; a node that is too busy for one of them counts as too busy for all.
    private static func results(
        of calls: [RPCCall], from client: RPCClient
    ) throws(RPCError) -> [Result<JSONValue, RPCError>] {
        let results: [Result<JSONValue, RPCError>]
        do throws(RPCError) { results = try client.batch(calls) } catch {
            guard case .batchRefused = error else { throw error }
            return try single(calls, of: client)
        }
        for case .failure(let error) in results {
            if case .response = error, error.isTransient { throw error }
        }
        return results
    }

    private static func single(
        _ calls: [RPCCall], of client: RPCClient
    ) throws(RPCError) -> [Result<JSONValue, RPCError>] {
        try calls.map { call throws(RPCError) in
            do throws(RPCError) { return .success(try client.call(call.method, call.parameters)) } catch {
                guard case .response = error, !error.isTransient else { throw error }
                return .failure(error)
            }
        }
    }

    /// Runs `body` with the current client, and with each of the others as long as trying again can help.
    private func withNextClient<Answer>(
        isSentOnce: Bool, _ body: (RPCClient) throws(RPCError) -> Answer
    ) throws(RPCError) -> Answer {
        for _ in clients.dropFirst() {
            do throws(RPCError) { return try body(clients[current]) } catch {
                guard error.isOfThisNodeAlone, !(isSentOnce && error.mayHaveBeenSent) else { throw error }
                current = (current + 1) % clients.count
            }
        }
        return try body(clients[current])
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
