package import Dstack
import Glibc
import HTTP
import Processes

/// Gets proofs from several sources side by side, trying again where that can help.
package struct ProofFetcher: Sendable {
    /// What is asked for.
    package let query: ProofSource.Query
    /// For how long a source is tried again, from the first attempt on; zero for one attempt.
    package let retryFor: Duration
    /// Told of an attempt that failed and of the pause before the next.
    package let onRetry: @Sendable (ProofSourceError, Duration) -> Void

    package init(
        query: ProofSource.Query, retryFor: Duration,
        onRetry: @escaping @Sendable (ProofSourceError, Duration) -> Void
    ) {
        self.query = query
        self.retryFor = retryFor
        self.onRetry = onRetry
    }

    /// The proof of one source.
    ///
    /// - Throws: ``ProofSourceError`` of the last attempt.
    package func fetch(from source: ProofSource) throws(ProofSourceError) -> Proof {
        var backoff = Backoff(budget: retryFor)
        let start = ContinuousClock.now
        while true {
            do throws(ProofSourceError) { return try source.fetch(query) } catch {
                guard error.isTransient,
                    let pause = backoff.pause(elapsed: ContinuousClock.now - start, atLeast: error.retryAfter)
                else { throw error }
                onRetry(error, pause)
                sleep(for: pause)
            }
        }
    }

    /// The proofs of several sources, all fetched at once and handed over in the sources' order.
    package func fetchAll(
        from sources: [ProofSource], _ body: (Result<Proof, ProofSourceError>) throws -> Void
    ) throws {
        // One needs no thread, nor the memory and the files that threads take.
        if sources.count == 1, let source = sources.first { return try body(result(from: source)) }
        try sources.mapAtOnce(limit: Self.sourceLimit, { result(from: $0) }, body)
    }

    /// How many sources are asked at once.
    private static let sourceLimit = 64

    private func result(from source: ProofSource) -> Result<Proof, ProofSourceError> {
        do throws(ProofSourceError) { return .success(try fetch(from: source)) } catch { return .failure(error) }
    }
}
